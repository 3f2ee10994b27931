// core/base/json_object.h: A few members of one JSON object, with the bytes they were written in.
//
// One pass over the text, no tree: only the members asked for are kept, so a hostile value costs
// no more memory than its own size; twice that where a number is beyond a double or an escaped
// surrogate stands alone. Checked on the way: RFC 8259's grammar, UTF-8, depth. Of duplicate
// members the first wins, or they are refused.
//
// This is the only way into RapidJSON: bytes from outside crash it when it is used in other ways.
//
// Thread safety: values and pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bide {

// Callers have lower limits of their own; RapidJSON counts a string's bytes in 32 bits.
inline constexpr std::size_t kJsonBytesMax = 1 << 30;

struct JsonMember {
  enum class Kind : std::uint8_t { kAbsent, kNull, kBool, kNumber, kString, kObject, kArray };
  std::string_view name;
  Kind kind = Kind::kAbsent;
  std::string_view raw{};  // Byte-exact, without surrounding white space; into the parsed text.
  std::string text{};      // kString: decoded, in UTF-8; a lone surrogate is U+FFFD.

  // `null` says as little as leaving the member out.
  [[nodiscard]] bool present() const { return kind != Kind::kAbsent && kind != Kind::kNull; }
};

enum class JsonError : std::uint8_t {
  kSyntax,     // Not one JSON object, not UTF-8, or over kJsonBytesMax.
  kDepth,      // Nested deeper than `depth_max`.
  kDuplicate,  // Refused, and some member of the object itself stands twice.
};

// What two members of one name mean depends on the reader; where readers must agree they are
// refused.
enum class JsonDuplicates : std::uint8_t { kFirstWins, kRefused };

class JsonObject {
 public:
  // `names` must be string literals or outlive the result, as must `text`. The object itself is
  // depth 1.
  [[nodiscard]] static std::variant<JsonObject, JsonError> parse(
      std::string_view text, const std::vector<std::string_view>& names, std::size_t depth_max,
      JsonDuplicates duplicates = JsonDuplicates::kFirstWins);

  // `name` must be one of those asked for.
  [[nodiscard]] const JsonMember& operator[](std::string_view name) const;
  // Of all names, those nobody asked for included; a duplicate counts again.
  [[nodiscard]] std::size_t member_count() const { return member_count_; }

 private:
  std::vector<JsonMember> members_;
  std::size_t member_count_ = 0;
};

// The elements of an array of strings; nullopt: anything else. `text` is JSON already checked, such
// as a member's `raw`.
[[nodiscard]] std::optional<std::vector<std::string>> parse_string_array(std::string_view text);

// The elements of an array as they were written, without surrounding white space; into `text`,
// which is JSON already checked. nullopt: not an array.
[[nodiscard]] std::optional<std::vector<std::string_view>> split_json_array(std::string_view text);

struct RawJsonMember {
  std::string_view name;  // As written, without the quotes.
  std::string_view value;
};
// The members of an object in their order, as they were written; into `text`, which is JSON already
// checked. Of anything but an object: none.
[[nodiscard]] std::vector<RawJsonMember> split_json_object(std::string_view text);

}  // namespace bide
