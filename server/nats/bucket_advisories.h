// server/nats/bucket_advisories.h: What nats-server tells of requests to JetStream that concern a
// bucket's stream. A purge is no entry of the stream: whoever follows it hears of it only here.
//
// An account may be denied the subscription (docs/nats.md), and a server may drop what it cannot
// send: so nothing heard does not mean that nothing happened, and StreamCheck compares all the
// same.
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
  // The server audits every request to JetStream's API of the account on one subject.
  static constexpr std::string_view kSubject = "$JS.EVENT.ADVISORY.API";

  // Listens from now on, if `connection`, which must outlive this, can.
  BucketAdvisories(NatsConnection& connection, std::string_view bucket);
  ~BucketAdvisories();
  BucketAdvisories(const BucketAdvisories&) = delete;
  BucketAdvisories& operator=(const BucketAdvisories&) = delete;

  enum class Heard : std::uint8_t {
    kNothing,
    kTouched,  // The stream was created, updated or deleted: a look will tell.
    kPurged,   // Entries were taken out of it, or restored, and perhaps no look tells which.
  };
  // The gravest since the last call; of those that came too fast to be kept it is the gravest that
  // might have been. Does not block.
  [[nodiscard]] Heard take();
  // Nothing was said against it so far; a denial comes some milliseconds later.
  [[nodiscard]] bool listens() const;

 private:
  [[nodiscard]] Heard judge(std::string_view advisory) const;

  NatsConnection& connection_;
  const std::string stream_;
  natsSubscription* subscription_ = nullptr;  // Null: it could not be made.
  std::int64_t dropped_ = 0;                  // By nats.c, as of the last call.
};

}  // namespace bide
