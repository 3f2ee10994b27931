// server/nats/bucket.h: The key-value bucket as a whole: whether it exists, and the state of its
// stream.
//
// Thread safety: functions may be called from any thread. They block for one or a few requests to
// NATS, for at most `kBucketRequestTimeout` each, or the timeout given.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/clock.h"
#include "core/job/entity_tag.h"
#include "core/job/entry.h"
#include "server/nats/login/bucket_config.h"
#include "server/nats/login/nats_connection.h"

namespace bide {

inline constexpr std::chrono::milliseconds kBucketRequestTimeout{2000};

// The stream that a mirror copies, and the prefix of requests about it, as the mirror's
// configuration names them.
struct Upstream {
  std::string stream;
  std::string api;  // Empty: the mirror's own.
};

struct BucketState {
  Epoch epoch = 0;                     // The stream's creation time.
  std::chrono::nanoseconds max_age{};  // 0: entries do not expire.
  bool keeps_history = false;          // It keeps more than the newest entry of a key.
  bool has_other_subjects = false;     // Subjects besides `$KV.<bucket>.>` are bound: no keys.
  bool has_origins = false;            // It is a mirror, or has sources.
  bool discards_old = false;           // When it is full, it drops the oldest entries.
  bool allows_rollup = false;          // An entry's header may remove other entries, or all.
  // Enough servers of the stream are connected to each other to write to it. Otherwise the server
  // that we hear may be cut off from the others, and from what is written there.
  bool has_quorum = true;
  // Several servers keep the stream. The one that reported its state may be behind another one that
  // delivers, for moments, and longer if it is busy.
  bool has_replicas = false;
  Revision last_seq = 0;               // Of the newest entry ever written, even if it is gone.
  Revision first_seq = 0;              // Of the oldest entry in the stream.
  std::uint64_t entries = 0;           // Deletion marks included.
  WallTime first_time;                 // Of the oldest entry in the stream.
  std::optional<Upstream> upstream{};  // It is a mirror of all of that stream.

  // Whether both keep their entries by the same rules.
  [[nodiscard]] bool keeps_as(const BucketState& other) const {
    return max_age == other.max_age && keeps_history == other.keeps_history &&
           has_other_subjects == other.has_other_subjects && has_origins == other.has_origins &&
           discards_old == other.discards_old && allows_rollup == other.allows_rollup;
  }
  // Its oldest entries leave without a deletion.
  [[nodiscard]] bool lets_go() const { return max_age.count() > 0 || discards_old; }
};

struct BucketFailure {
  bool missing = false;  // The bucket does not exist.
  std::string text;
};

[[nodiscard]] std::variant<BucketState, BucketFailure> read_bucket_state(
    const NatsConnection& connection, std::string_view bucket,
    std::chrono::milliseconds timeout = kBucketRequestTimeout);

// The state of the stream at the end of a chain of mirrors. Blocks for one request for each stream
// on the way.
[[nodiscard]] std::variant<BucketState, BucketFailure> read_origin_state(
    const NatsConnection& connection, Upstream upstream,
    std::chrono::milliseconds timeout = kBucketRequestTimeout);

// Creates the bucket with history 1, as clients' libraries do, but without `allow_rollup_hdrs`:
// with it, a writer of a single key can empty the whole bucket by the header `Nats-Rollup: all`
// (docs/nats.md). nullopt: the bucket exists now. Another client may have created it meanwhile,
// with any configuration.
[[nodiscard]] std::optional<BucketFailure> create_bucket(const NatsConnection& connection,
                                                         std::string_view bucket, int replicas = 1);

// The domain of the JetStream that answers; empty: it has none, or this account may not ask.
[[nodiscard]] std::string read_domain(const NatsConnection& connection);

// The names of the buckets that this account may see, sorted, from about the first 16,000 streams.
// The string: why they are not known.
[[nodiscard]] std::variant<std::vector<std::string>, std::string> list_buckets(
    const NatsConnection& connection);

}  // namespace bide
