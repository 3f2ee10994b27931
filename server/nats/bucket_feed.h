// server/nats/bucket_feed.h: The entries of a bucket as a checked sequence: first the newest of
// every key, in stream order, then whatever is written, until something is amiss.
//
// An ordered consumer of nats.c would do nearly this, but it restarts itself behind the caller's
// back from the last sequence it saw: after a bucket was deleted and created again it is blind for
// 10 to 19 s and then skips keys. Here a lost, missing or silent delivery ends the feed, and the
// caller opens another, which reads everything again.
//
// Thread safety: none; one thread uses a feed. Closing the connection makes next() return.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/clock.h"
#include "core/job/entry_codec.h"
#include "server/nats/login/bucket_config.h"
#include "server/nats/login/nats_connection.h"

namespace bide {

class BucketFeed {
 public:
  struct Settings {
    std::string bucket;
    KeySubjects keys{bucket};
    // How often the server speaks while there is nothing to tell. Three of them missed: amiss.
    std::chrono::milliseconds heartbeat{1000};
    bool keeps_history = false;  // See BucketState: older entries of a key are to be left out.
    bool allows_rollup = false;  // See BucketState: rolled_up() is to be looked for.
    // For the server to make the consumer, for which with history it looks through the whole
    // stream: 1 s with a million keys.
    std::chrono::milliseconds patience = kPatienceMin;
  };
  static constexpr std::chrono::milliseconds kPatienceMin{3000};
  static constexpr std::chrono::milliseconds kPatienceMax{12'000};
  // The connection must outlive the feed. The string: why it cannot be opened.
  [[nodiscard]] static std::variant<std::unique_ptr<BucketFeed>, std::string> open(
      NatsConnection& connection, Settings settings);
  ~BucketFeed();
  BucketFeed(const BucketFeed&) = delete;
  BucketFeed& operator=(const BucketFeed&) = delete;

  enum class Got : std::uint8_t {
    kEntry,    // See entry() and pending(), both valid until the next call.
    kIdle,     // A heartbeat: everything there was has been delivered; see passed().
    kNothing,  // Nothing to tell within the timeout.
    kBroken,   // The feed is of no use any more; trouble() says why.
  };
  // Blocks for `timeout` at most.
  [[nodiscard]] Got next(std::chrono::milliseconds timeout);
  [[nodiscard]] const RawEntry& entry() const { return entry_; }
  // What the entry took out of the stream when it was written, by its own account: everybody who
  // may write may say so.
  enum class Rollup : std::uint8_t {
    kNone,
    kKey,  // The older entries of its key.
    kAll,  // Everything that there was.
  };
  [[nodiscard]] Rollup rolled_up() const { return rolled_up_; }
  [[nodiscard]] std::uint64_t pending() const { return pending_; }
  // Of the latest kIdle: how far the server had looked through the stream. It delivers nothing of
  // what is gone by then, so this may be more than the revision of the last entry.
  [[nodiscard]] Revision passed() const { return passed_; }
  // Received by the client library and waiting for next().
  [[nodiscard]] std::uint64_t queued() const;
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  BucketFeed(NatsConnection& connection, Settings settings)
      : connection_(connection), settings_(std::move(settings)) {}
  natsStatus create_consumer(const std::string& inbox);
  void spend_message();
  void free_spent();
  Got on_timeout();
  Got on_control();
  Got broken(std::string why);
  // Empty: no such header.
  std::string_view header(const char* name) const;
  std::uint64_t number(const char* name) const;  // 0: no such header, or none.
  [[nodiscard]] Rollup rollup() const;
  void answer(std::string_view subject);

  NatsConnection& connection_;
  const Settings settings_;
  natsSubscription* subscription_ = nullptr;
  NatsMsgPtr message_;
  std::vector<NatsMsgPtr> spent_;  // Messages dealt with, to be freed together.
  std::size_t spent_bytes_ = 0;
  RawEntry entry_;
  Rollup rolled_up_ = Rollup::kNone;
  std::uint64_t pending_ = 0;
  std::uint64_t consumer_seq_ = 0;  // Of the last delivery.
  Revision passed_ = 0;
  TimePoint last_heard_ = system_clock().now();
  std::string trouble_;
};

}  // namespace bide
