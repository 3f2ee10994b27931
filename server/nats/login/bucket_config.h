// server/nats/login/bucket_config.h: What the configuration of a bucket's stream says: on which
// subjects its keys are, where its entries come from, and what its writers may do by headers.
//
// Thread safety: values and pure functions, but for read_bucket_config(), which may be called from
// any thread and blocks for one request to NATS.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/nats/login/nats_handles.h"

namespace bide {

// osapi's, for everybody who is not told another.
inline constexpr std::string_view kDefaultBucket = "job-queue";

// `KV_<bucket>`, and back: what is no bucket's keeps its name.
[[nodiscard]] std::string stream_of(std::string_view bucket);
[[nodiscard]] std::string_view bucket_of(std::string_view stream);
// `$KV.<bucket>.`
[[nodiscard]] std::string subject_prefix_of(std::string_view bucket);

// The subjects of a stream that are keys of its bucket. A bucket's own are `$KV.<bucket>.<key>`. A
// mirror and a bucket with sources keep their origins' subjects (ADR-8). An origin may be a mirror
// itself, and be out of this account's sight, so there every bucket's subject is a key.
class KeySubjects {
 public:
  // A bucket's that has none but its own.
  explicit KeySubjects(std::string_view bucket) : prefixes_{subject_prefix_of(bucket)} {}
  // `prefixes`: others, which end with a dot.
  KeySubjects(std::vector<std::string> prefixes, bool of_all_buckets)
      : prefixes_(std::move(prefixes)), of_all_buckets_(of_all_buckets) {}

  // Into `subject`; empty: it is no key.
  [[nodiscard]] std::string_view key_of(std::string_view subject) const;
  // Subjects with wildcards that `key` may stand on, the first of them the bucket's own.
  [[nodiscard]] std::vector<std::string> subjects_of(std::string_view key) const;
  // What a consumer has to ask for to get all of them.
  [[nodiscard]] std::string filter() const;

 private:
  std::vector<std::string> prefixes_;
  bool of_all_buckets_ = false;
};

struct BucketConfig {
  KeySubjects keys;
  std::string mirror_of{};             // The bucket that this one mirrors; empty: none.
  std::vector<std::string> sources{};  // The buckets whose entries are copied into this one.
  bool has_own_subjects = true;        // `$KV.<bucket>.>` is bound: it can be written to.
  bool allow_direct = false;
  // Options that let a writer of one key do more than write it, by a header, or that keep bide from
  // reading what is written. For each see writer_powers().
  std::vector<std::string_view> powers{};
};

// Such an option: what it lets a writer do, and what to do about it.
struct WriterPower {
  std::string_view option;  // `allow_rollup_hdrs`.
  std::string_view danger;
  std::string_view cure;
};
[[nodiscard]] std::span<const WriterPower> writer_powers();

struct ConfigFailure {
  bool missing = false;  // There is no such bucket.
  natsStatus status;     // NATS_OK: it answered, see `text`.
  std::string text;      // The server's reason, where it has answered.
};
// Reads the answer to STREAM.INFO.
[[nodiscard]] std::variant<BucketConfig, ConfigFailure> parse_bucket_config(std::string_view bucket,
                                                                            std::string_view json);
[[nodiscard]] std::variant<BucketConfig, ConfigFailure> read_bucket_config(
    natsConnection* connection, std::string_view bucket, std::chrono::milliseconds timeout);

// The message is a client's mark of a deletion (KV-Operation), or a server's that expires keys
// (Nats-Marker-Reason), and not a value.
[[nodiscard]] bool is_deletion(natsMsg* message);

}  // namespace bide
