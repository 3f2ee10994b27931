// core/base/json_object.h: A few members of one JSON object, with the bytes they were written in.
//
// The text is read in one pass, without a tree, and only the requested members are kept. So a
// hostile value costs no more memory than its own size, or twice its size if a number is beyond a
// double or an escaped surrogate stands alone. The grammar of RFC 8259, UTF-8 and the depth are
// checked. If a name occurs twice, the first member wins or the text is refused.
//
// All JSON from outside goes through here: used in other ways, RapidJSON crashes on some input.
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

// RapidJSON counts the bytes of a string in 32 bits. Callers have lower limits of their own.
inline constexpr std::size_t kJsonBytesMax = 1 << 30;

struct JsonMember {
  enum class Kind : std::uint8_t { kAbsent, kNull, kBool, kNumber, kString, kObject, kArray };
  std::string_view name;
  Kind kind = Kind::kAbsent;
  std::string_view raw{};  // The bytes in the parsed text, without surrounding white space.
  std::string text{};      // kString: decoded, in UTF-8; a lone surrogate is U+FFFD.

  // `null` says as little as leaving the member out.
  [[nodiscard]] bool present() const { return kind != Kind::kAbsent && kind != Kind::kNull; }
};

enum class JsonError : std::uint8_t {
  kSyntax,     // Not one JSON object, not UTF-8, or over kJsonBytesMax.
  kDepth,      // Nested deeper than `depth_max`.
  kDuplicate,  // A name of the object itself occurs twice, and the caller refuses that.
};

// Readers of JSON disagree about two members with one name. Where that matters they are refused.
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
  // Counts all members, requested or not; duplicates count.
  [[nodiscard]] std::size_t member_count() const { return member_count_; }

 private:
  std::vector<JsonMember> members_;
  std::size_t member_count_ = 0;
};

// The elements of an array of strings; nullopt: anything else. `text` is JSON already checked, such
// as a member's `raw`.
[[nodiscard]] std::optional<std::vector<std::string>> parse_string_array(std::string_view text);

// The elements of an array as they were written, without surrounding white space: views into
// `text`, which is JSON already checked. nullopt: not an array.
[[nodiscard]] std::optional<std::vector<std::string_view>> split_json_array(std::string_view text);

struct RawJsonMember {
  std::string_view name;  // As written, without the quotes.
  std::string_view value;
};
// The members of an object in their order, as they were written: views into `text`, which is JSON
// already checked. Empty for anything but an object.
[[nodiscard]] std::vector<RawJsonMember> split_json_object(std::string_view text);

}  // namespace bide
