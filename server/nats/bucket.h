// server/nats/bucket.h: The key-value bucket as a whole: that it exists, and what its stream says
// of itself.
//
// Thread safety: functions may be called from any thread; they block for one or a few requests to
// NATS, `kBucketRequestTimeout` each at most.
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

struct BucketState {
  Epoch epoch = 0;                     // The stream's creation time.
  std::chrono::nanoseconds max_age{};  // 0: entries do not expire.
  bool keeps_history = false;          // More than the newest entry of a key.
  bool has_other_subjects = false;     // That are no keys: bound besides `$KV.<bucket>.>`.
  bool has_origins = false;            // It is a mirror, or has sources.
  bool discards_old = false;           // Where it is full, the oldest entries are pushed out.
  bool allows_rollup = false;          // An entry's header may take out others, or all.
  // Enough of the servers that keep the stream know of each other to write to it. Where they do
  // not, the one that we hear may have lost the rest, and with it whatever is written.
  bool has_quorum = true;
  Revision last_seq = 0;      // Of the newest entry ever, even if it is gone.
  Revision first_seq = 0;     // Of the oldest entry there is.
  std::uint64_t entries = 0;  // Deletion marks included.
  WallTime first_time;        // Of the oldest entry there is.

  // By the same rules.
  [[nodiscard]] bool keeps_as(const BucketState& other) const {
    return max_age == other.max_age && keeps_history == other.keeps_history &&
           has_other_subjects == other.has_other_subjects && has_origins == other.has_origins &&
           discards_old == other.discards_old && allows_rollup == other.allows_rollup;
  }
  // The oldest entries leave it by themselves.
  [[nodiscard]] bool lets_go() const { return max_age.count() > 0 || discards_old; }
};

struct BucketFailure {
  bool missing = false;  // There is no such bucket.
  std::string text;
};

[[nodiscard]] std::variant<BucketState, BucketFailure> read_bucket_state(
    const NatsConnection& connection, std::string_view bucket);

// Creates the bucket with history 1, as clients' libraries do, but for one thing: without
// `allow_rollup_hdrs`. With it, whoever may write a single key empties the whole bucket by the
// header `Nats-Rollup: all` (docs/nats.md). nullopt: it exists now, made by us or by somebody else
// meanwhile, whatever its configuration.
[[nodiscard]] std::optional<BucketFailure> create_bucket(const NatsConnection& connection,
                                                         std::string_view bucket, int replicas = 1);

// The names of the buckets that this account may see, sorted, of the first 16,000 streams or so.
// The string: why they are not known.
[[nodiscard]] std::variant<std::vector<std::string>, std::string> list_buckets(
    const NatsConnection& connection);

}  // namespace bide
