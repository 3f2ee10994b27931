// core/job/entity_tag.h: bide's entity tags, and the lists in If-None-Match and If-Match that they
// are compared with.
//
// A tag is `"<epoch>-<revision>-<hash>"`. The epoch names one life of the stream, the revision is
// the stream sequence that last changed this representation, the hash is XXH3-64 of its bytes. The
// hash is needed because a store that was rolled back issues the same revisions again for other
// values. Tags are strong (RFC 9110 section 8.8.1).
//
// Thread safety: values and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/job/entry.h"

namespace bide {

using Epoch = std::uint64_t;  // The stream's creation time, Unix nanoseconds.

struct EntityTag {
  Epoch epoch = 0;
  Revision revision = 0;
  std::uint64_t hash = 0;
  friend bool operator==(const EntityTag&, const EntityTag&) = default;
  // Whether this tag is of a stream created later, or of the same stream and a later revision.
  [[nodiscard]] bool later_than(Epoch other_epoch, Revision other_revision) const {
    return epoch == other_epoch ? revision > other_revision : epoch > other_epoch;
  }
};

// The tag without quotes: epoch and hash in lower-case hex (the hash has 16 digits), the revision
// in decimal. It is also the id of server-sent events and WebSocket records.
[[nodiscard]] std::string opaque_tag(const EntityTag& tag);
void append_opaque_tag(std::string& out, const EntityTag& tag);
inline constexpr std::size_t kOpaqueTagBytesMax = 16 + 1 + 20 + 1 + 16;
// The strict inverse: accepts only text that opaque_tag() writes, so equal values have equal texts.
[[nodiscard]] std::optional<EntityTag> parse_opaque_tag(std::string_view text);
// The same for a tag from a client. A proxy that compresses may have appended the coding: `-gzip`
// (Apache), `-br`, `-zstd`, `;gzip`. Such a suffix is ignored, because the state is the same.
[[nodiscard]] std::optional<EntityTag> parse_received_tag(std::string_view text);
// XXH3-64 of `bytes`, or of the concatenated `pieces`.
[[nodiscard]] std::uint64_t hash_of(std::string_view bytes);
[[nodiscard]] std::uint64_t hash_of(const std::vector<std::string_view>& pieces);

// RFC 9110 section 8.8.3.2. bide's own tags are strong.
enum class Comparison : std::uint8_t {
  kWeak,    // If-None-Match: W/ is ignored.
  kStrong,  // If-Match: a weak tag matches nothing.
};

// The field value of If-None-Match or If-Match (RFC 9110 section 13.1): `*`, or tags. Tags that
// cannot match are dropped: those that bide never issues, and weak ones for If-Match.
class ValidatorList {
 public:
  // The request has no such field: matches nothing.
  ValidatorList() = default;
  explicit ValidatorList(const EntityTag& tag) : tags_(1, tag) {}
  // nullopt: outside the grammar of section 8.8.3; bide answers 400. `""` is in the grammar, and
  // matches nothing.
  [[nodiscard]] static std::optional<ValidatorList> parse(
      std::string_view field_value, Comparison comparison = Comparison::kWeak);

  // `*` matches any current representation.
  [[nodiscard]] bool matches(const EntityTag& current) const;
  // The same by epoch and hash alone, for representations whose revision may differ by replica.
  [[nodiscard]] bool matches_content(const EntityTag& current) const {
    return any_ || find_content(current) != nullptr;
  }
  // The tag that matches by content. Null: none.
  [[nodiscard]] const EntityTag* find_content(const EntityTag& current) const;
  // Whether one of the tags is later than that.
  [[nodiscard]] bool later_than(Epoch epoch, Revision revision) const;
  // Makes all later tags match nothing.
  void forget_later(Epoch epoch, Revision revision);
  [[nodiscard]] bool any() const { return any_; }
  // True if no tag can match.
  [[nodiscard]] bool empty() const { return !any_ && tags_.empty(); }
  [[nodiscard]] const std::vector<EntityTag>& tags() const { return tags_; }

 private:
  bool any_ = false;
  std::vector<EntityTag> tags_;
};

}  // namespace bide
