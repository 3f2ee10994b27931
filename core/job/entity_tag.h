// core/job/entity_tag.h: bide's entity tags, and the lists of If-None-Match and If-Match that they
// are compared with.
//
// A tag reads `"<epoch>-<revision>-<hash>"`: epoch names the stream's incarnation, revision is the
// stream sequence that last changed this representation, hash is XXH3-64 of its bytes. The hash is
// not decoration: a store rolled back issues the same revisions again with other values. Strong
// (RFC 9110 section 8.8.1).
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
  // In the order of time: of a stream created later, or of this one and a later revision.
  [[nodiscard]] bool later_than(Epoch other_epoch, Revision other_revision) const {
    return epoch == other_epoch ? revision > other_revision : epoch > other_epoch;
  }
};

// `epoch` and `hash` in lower-case hex (hash padded to 16 digits), revision in decimal. Without
// quotes: also the id of server-sent events and WebSocket records.
[[nodiscard]] std::string opaque_tag(const EntityTag& tag);
void append_opaque_tag(std::string& out, const EntityTag& tag);
inline constexpr std::size_t kOpaqueTagBytesMax = 16 + 1 + 20 + 1 + 16;
// The strict inverse: only what opaque_tag() can have written, so that equal values are equal
// texts.
[[nodiscard]] std::optional<EntityTag> parse_opaque_tag(std::string_view text);
// The same for a tag that a client sends. A proxy that compresses may have appended the coding:
// `-gzip` (Apache), `-br`, `-zstd`, `;gzip`. Such a suffix is ignored: the tag stands for the same
// state.
[[nodiscard]] std::optional<EntityTag> parse_received_tag(std::string_view text);
// XXH3-64 of `bytes`; of pieces as if they were one.
[[nodiscard]] std::uint64_t hash_of(std::string_view bytes);
[[nodiscard]] std::uint64_t hash_of(const std::vector<std::string_view>& pieces);

// How RFC 9110 section 8.8.3.2 compares tags. bide's own are strong.
enum class Comparison : std::uint8_t {
  kWeak,    // If-None-Match: W/ is ignored.
  kStrong,  // If-Match: a tag that has become weak matches nothing.
};

// The field value of If-None-Match or If-Match, RFC 9110 section 13.1: `*`, or tags of which those
// that can match nothing are dropped (bide cannot have issued them, or they are weak).
class ValidatorList {
 public:
  // No such field: matches nothing.
  ValidatorList() = default;
  explicit ValidatorList(const EntityTag& tag) : tags_(1, tag) {}
  // nullopt: not in the grammar of section 8.8.3 (the caller treats the field as absent or answers
  // 400; bide answers 400). `""` is in the grammar, and matches nothing.
  [[nodiscard]] static std::optional<ValidatorList> parse(
      std::string_view field_value, Comparison comparison = Comparison::kWeak);

  // `*` matches any current representation.
  [[nodiscard]] bool matches(const EntityTag& current) const;
  // The same by epoch and hash alone, for what replicas may give different revisions to.
  [[nodiscard]] bool matches_content(const EntityTag& current) const {
    return any_ || find_content(current) != nullptr;
  }
  // The one that does; null: none.
  [[nodiscard]] const EntityTag* find_content(const EntityTag& current) const;
  // Whether one of them is later than that.
  [[nodiscard]] bool later_than(Epoch epoch, Revision revision) const;
  // Those that are match nothing from now on.
  void forget_later(Epoch epoch, Revision revision);
  [[nodiscard]] bool any() const { return any_; }
  // True where no tag could match whatever the current one is.
  [[nodiscard]] bool empty() const { return !any_ && tags_.empty(); }
  [[nodiscard]] const std::vector<EntityTag>& tags() const { return tags_; }

 private:
  bool any_ = false;
  std::vector<EntityTag> tags_;
};

}  // namespace bide
