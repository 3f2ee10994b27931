// server/nats/ack_subject.h: Parses the reply subject of a JetStream message, which has its
// metadata.
//
// `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`, or since
// server 2.x also (ADR-15) `$JS.ACK.<domain>.<account hash>.<stream>.….<pending>[.<random>]`. It is
// parsed in place, because natsMsg_GetMetaData() allocates four times for each message.
//
// Thread safety: pure function.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/clock.h"
#include "core/job/entry.h"

namespace bide {

struct AckSubject {
  Revision stream_seq = 0;
  std::uint64_t consumer_seq = 0;
  WallTime time;              // When the stream stored the message.
  std::uint64_t pending = 0;  // Messages that the consumer has yet to deliver.
};

// nullopt: not a JetStream delivery.
[[nodiscard]] std::optional<AckSubject> parse_ack_subject(std::string_view subject);

}  // namespace bide
