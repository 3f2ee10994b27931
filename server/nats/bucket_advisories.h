// server/nats/bucket_advisories.h: Receives nats-server's advisories about requests to JetStream
// that concern a bucket's stream. A purge leaves no entry in the stream, so only an advisory
// reports it.
//
// An account may be denied the subscription (docs/nats.md), and a server may drop advisories. So
// silence does not mean that nothing happened, and StreamCheck compares the stream's state anyway.
//
// Thread safety: none; one thread uses it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/nats/login/nats_connection.h"

namespace bide {

class BucketAdvisories {
 public:
  // The server reports every request of the account to JetStream's API on this subject.
  static constexpr std::string_view kSubject = "$JS.EVENT.ADVISORY.API";

  // Subscribes, if the account may. `connection` must outlive this.
  BucketAdvisories(NatsConnection& connection, std::string_view bucket);
  ~BucketAdvisories();
  BucketAdvisories(const BucketAdvisories&) = delete;
  BucketAdvisories& operator=(const BucketAdvisories&) = delete;

  enum class Heard : std::uint8_t {
    kNothing,
    kTouched,  // The stream was created, updated or deleted: its state shows how.
    kPurged,   // Entries were removed or restored; the stream's state may not show which.
  };
  // The gravest one since the last call. kPurged also if advisories were dropped because they came
  // too fast. Does not block.
  [[nodiscard]] Heard take();
  // Whether it is subscribed. A denial comes some milliseconds after the constructor.
  [[nodiscard]] bool listens() const;

 private:
  [[nodiscard]] Heard judge(std::string_view advisory) const;

  NatsConnection& connection_;
  const std::string stream_;
  natsSubscription* subscription_ = nullptr;  // Null: it could not be made.
  std::int64_t dropped_ = 0;                  // Messages that nats.c had dropped at the last call.
};

}  // namespace bide
