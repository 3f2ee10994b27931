// server/nats/login/bucket_config.h: The configuration of a bucket's stream: the subjects of its
// keys, the origins of its entries, and what writers may do by headers.
//
// Thread safety: values and pure functions, except read_bucket_config(), which may be called from
// any thread and blocks for one request to NATS.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/nats/login/js_api.h"
#include "server/nats/login/nats_handles.h"

namespace bide {

// `KV_<bucket>`, and the reverse. A stream that is no bucket keeps its name.
[[nodiscard]] std::string stream_of(std::string_view bucket);
[[nodiscard]] std::string_view bucket_of(std::string_view stream);
// `$KV.<bucket>.`
[[nodiscard]] std::string subject_prefix_of(std::string_view bucket);

// The subjects of a stream that are keys of its bucket. A bucket's own subjects are
// `$KV.<bucket>.<key>`. A mirror and a bucket with sources keep the subjects of their origins
// (ADR-8). An origin may be a mirror, too, and this account may not see it. So in a mirror or a
// bucket with sources the subject of any bucket is a key.
class KeySubjects {
 public:
  // For a bucket that has only its own subjects.
  explicit KeySubjects(std::string_view bucket) : prefixes_{subject_prefix_of(bucket)} {}
  // `prefixes`: those of all subjects, each with a dot at its end.
  KeySubjects(std::vector<std::string> prefixes, bool of_all_buckets)
      : prefixes_(std::move(prefixes)), of_all_buckets_(of_all_buckets) {}

  // A view into `subject`. Empty: it is no key.
  [[nodiscard]] std::string_view key_of(std::string_view subject) const;
  // The subjects, with wildcards, on which `key` may be. The first is the bucket's own.
  [[nodiscard]] std::vector<std::string> subjects_of(std::string_view key) const;
  // The filter with which a consumer gets all keys.
  [[nodiscard]] std::string filter() const;

 private:
  std::vector<std::string> prefixes_;
  bool of_all_buckets_ = false;
};

struct BucketConfig {
  KeySubjects keys;
  std::string mirror_of{};             // The bucket that this one mirrors; empty: none.
  std::vector<std::string> sources{};  // The buckets whose entries are copied into this one.
  bool mirrors_a_part = false;         // By a filter, or a transform.
  bool has_own_subjects = true;        // `$KV.<bucket>.>` is bound: it can be written to.
  bool allow_direct = false;
  std::uint64_t replicas = 1;  // How many servers keep a copy.
  // The options by which a writer of one key can do more than write it, or can keep bide from
  // reading what is written; see writer_powers().
  std::vector<std::string_view> powers{};
};

// Such an option, its danger, and the remedy.
struct WriterPower {
  std::string_view option;  // `allow_rollup_hdrs`.
  std::string_view danger;
  std::string_view cure;
};
[[nodiscard]] std::span<const WriterPower> writer_powers();

struct ConfigFailure {
  bool missing = false;  // The bucket does not exist.
  natsStatus status;     // NATS_OK: the server answered, see `text`.
  std::string text;      // The server's reason, if it answered.
};
// Parses the answer to STREAM.INFO.
[[nodiscard]] std::variant<BucketConfig, ConfigFailure> parse_bucket_config(std::string_view bucket,
                                                                            std::string_view json);
[[nodiscard]] std::variant<BucketConfig, ConfigFailure> read_bucket_config(
    natsConnection* connection, const JsApi& api, std::string_view bucket,
    std::chrono::milliseconds timeout);

// Whether the message is no value but the mark of a deletion: of a client (KV-Operation), or of a
// server that expires keys (Nats-Marker-Reason).
[[nodiscard]] bool is_deletion(natsMsg* message);

}  // namespace bide
