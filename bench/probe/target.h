// bench/probe/target.h: The measured server: how to ask it, and how to send it an event.
//
// Thread safety: none; the probe's main thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/kit/address.h"
#include "bench/kit/job_bucket.h"
#include "bench/kit/response_reader.h"
#include "bench/probe/crowd.h"
#include "bench/probe/options.h"
#include "bench/probe/server_process.h"

namespace bench {

class Target {
 public:
  // --kind bide|echo|nchan|floor|threads, --server HOST:PORT, --nats URL (bide, echo), --pids,
  // --over http|nats (bide, echo).
  explicit Target(const Options& options);
  ~Target();

  const Address address;
  const ServerProcess process;

  // Makes the jobs exist, and waits until the server knows them. Their entity tags, empty where the
  // server has none before the first event (nchan).
  [[nodiscard]] std::vector<std::string> define(const std::vector<std::string>& jobs);
  // A request that is held until the job's next event.
  [[nodiscard]] std::string held_request(const std::string& job, const std::string& tag) const;
  // A request that is answered at once.
  [[nodiscard]] std::string plain_request(const std::string& job) const;
  // One event of the job: through NATS, or as a POST where the server does not read it.
  // With --over http it is a POST whose answer is still to come.
  void event(const std::string& job);
  // Takes that answer.
  void finish_event();
  // All of the events are on their way.
  void flush();
  [[nodiscard]] bool reads_nats() const { return bucket_ != nullptr; }
  [[nodiscard]] JobBucket& bucket() { return *bucket_; }

 private:
  [[nodiscard]] std::string post_request(const std::string& job) const;
  void post(const std::string& job);
  [[nodiscard]] Response answer();
  [[nodiscard]] Response ask(const std::string& request);
  [[nodiscard]] std::string wait_for_tag(const std::string& job);

  const std::string kind_;
  const bool over_http_;
  std::unique_ptr<JobBucket> bucket_;  // Null where the server does not read NATS.
  int fd_ = -1;                        // For what the probe itself asks.
  ResponseReader reader_;
};

// Connects all and has each wait for the next event of one of the jobs, in turn. Returns when the
// server has come to rest.
void park_all(Target& target, Crowd& crowd, const std::vector<std::string>& jobs,
              const std::vector<std::string>& tags);

// `prefix` and the job's number: `<prefix>0`, `<prefix>1`, …
[[nodiscard]] std::vector<std::string> job_names(const Options& options, int count);

}  // namespace bench
