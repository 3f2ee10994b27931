// server/nats/bucket_feed.h: A push consumer on the bucket's stream. It delivers first the newest
// entry of every key, in stream order, or only the entries from a revision on; then each entry that
// is written.
//
// An ordered consumer of nats.c would do nearly this. But it restarts by itself from the last
// sequence that it saw, without telling its caller: after a bucket was deleted and created again it
// is blind for 10 to 19 s and then skips keys. Here StreamCheck notices a missing or overdue
// delivery, and the caller opens another feed.
//
// Thread safety: none; one thread uses a feed. Closing the connection makes next() return.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/clock.h"
#include "core/job/entry_codec.h"
#include "server/nats/login/bucket_config.h"
#include "server/nats/login/nats_connection.h"
#include "server/nats/spent_messages.h"
#include "server/nats/stream_check.h"

namespace bide {

class BucketFeed {
 public:
  struct Settings {
    std::string bucket;
    KeySubjects keys{bucket};
    // The server sends one after this time without a delivery.
    std::chrono::milliseconds heartbeat{1000};
    bool keeps_history = false;  // See BucketState: older entries of a key are left out.
    bool allows_rollup = false;  // See BucketState: delivery() tells of rollups.
    Revision begin = 0;          // The first revision to deliver; 0: the newest entry of every key.
    // How long the server may take to make the consumer. With history it looks through the whole
    // stream for that, which takes 1 s with a million keys.
    std::chrono::milliseconds patience = kPatienceMin;
  };
  static constexpr std::chrono::milliseconds kPatienceMin{3000};
  static constexpr std::chrono::milliseconds kPatienceMax{12'000};
  // `connection` must outlive the feed. The string: why it cannot be opened.
  [[nodiscard]] static std::variant<std::unique_ptr<BucketFeed>, std::string> open(
      NatsConnection& connection, Settings settings);
  ~BucketFeed();
  BucketFeed(const BucketFeed&) = delete;
  BucketFeed& operator=(const BucketFeed&) = delete;

  enum class Got : std::uint8_t {
    kEntry,      // See entry(), delivery() and pending(), valid until the next call.
    kHeartbeat,  // Everything that there was has been delivered; see heartbeat().
    kNothing,    // Neither came within the timeout.
    kBroken,     // The feed is of no use any more; trouble() says why.
  };
  // Blocks for `timeout` at most.
  [[nodiscard]] Got next(std::chrono::milliseconds timeout);
  [[nodiscard]] const RawEntry& entry() const { return entry_; }
  [[nodiscard]] const StreamCheck::Delivery& delivery() const { return delivery_; }
  // How many entries the server has yet to send.
  [[nodiscard]] std::uint64_t pending() const { return pending_; }
  [[nodiscard]] const StreamCheck::Heartbeat& heartbeat() const { return heartbeat_; }
  // When the last message of any kind came.
  [[nodiscard]] TimePoint last_heard() const { return last_heard_; }
  // How many messages the library has received and next() has not returned.
  [[nodiscard]] std::uint64_t queued() const;
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  BucketFeed(NatsConnection& connection, Settings settings)
      : connection_(connection), settings_(std::move(settings)) {}
  natsStatus create_consumer(const std::string& inbox);
  Got on_control();
  Got broken(std::string why);
  // Empty: no such header.
  std::string_view header(const char* name) const;
  std::uint64_t number(const char* name) const;  // 0: no such header, or no number.
  [[nodiscard]] Rollup rollup() const;
  void answer(std::string_view subject);

  NatsConnection& connection_;
  const Settings settings_;
  natsSubscription* subscription_ = nullptr;
  NatsMsgPtr message_;
  SpentMessages spent_;
  RawEntry entry_;
  StreamCheck::Delivery delivery_;
  StreamCheck::Heartbeat heartbeat_;
  std::uint64_t pending_ = 0;
  TimePoint last_heard_ = system_clock().now();
  std::string trouble_;
};

}  // namespace bide
