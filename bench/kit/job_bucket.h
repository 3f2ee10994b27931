// bench/kit/job_bucket.h: Writes jobs into the bucket as workers do, and learns the revision that
// each entry got.
//
// Entries are published without waiting for the answer; acknowledgements arrive on a thread of
// nats.c. So a slow server does not slow the writer down (no coordinated omission). Entries that
// were on their way when the connection was lost are not acknowledged, nor are those published just
// after that (nats.c returns NATS_IO_ERROR then). The caller may write an entry with a token again.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <nats/nats.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace bench {

class JobBucket {
 public:
  // Called on a thread of nats.c: the entry published with `token` has this revision; 0: refused.
  using OnStored = std::function<void(std::uint64_t token, std::uint64_t revision)>;

  // Connects and, where it is missing, creates the bucket with history 1. Dies if it cannot.
  // `nats_urls`: one, or several servers of a cluster with commas between them; the first is tried
  // first. When the one in use ends, it goes on with another.
  JobBucket(const std::string& nats_urls, const std::string& bucket, OnStored on_stored = {});
  ~JobBucket();
  JobBucket(const JobBucket&) = delete;
  JobBucket& operator=(const JobBucket&) = delete;

  static constexpr std::uint64_t kNoToken = UINT64_MAX;  // The revision is not needed.
  // `jobs.<job>`: for one agent, so that its first terminal event is final.
  void define(std::string_view job, std::uint64_t token = kNoToken);
  // The same for a job that so many agents are to finish.
  void define_broadcast(std::string_view job, std::uint32_t agents, std::uint64_t token = kNoToken);
  // `status.<job>.<event>.<agent>.<unix nanoseconds>`; `event` is a word of CONTRACT's: started, …
  void event(std::string_view job, std::string_view event, std::string_view agent,
             std::chrono::system_clock::time_point when, std::uint64_t token = kNoToken);
  // `responses.<job>.<agent>.<unix nanoseconds>`.
  void response(std::string_view job, std::string_view agent,
                std::chrono::system_clock::time_point when);
  // Blocks until nats-server has received all that was published; dies after 60 s.
  void flush();
  // Keys and values published so far, without NATS's own framing.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] natsConnection* connection() const { return connection_; }
  [[nodiscard]] const std::string& prefix() const { return prefix_; }  // `$KV.<bucket>.`

 private:
  void connect(std::string nats_urls);
  void put(const std::string& key, const std::string& value, std::uint64_t token);
  static void on_ack(natsConnection*, natsSubscription*, natsMsg* message, void* self);

  const std::string prefix_;
  const OnStored on_stored_;
  std::string inbox_;
  std::atomic<std::uint64_t> bytes_{0};
  natsConnection* connection_ = nullptr;
  natsSubscription* acks_ = nullptr;
};

}  // namespace bench
