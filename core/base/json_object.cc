#include "core/base/json_object.h"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <set>
#include <utility>

namespace bide {
namespace {

// What RapidJSON 1.1.0 does when left alone, and the flag or check that stops it:
// - its recursive parser overflows a 1 MiB stack at depth 20,000: kParseIterativeFlag;
// - invalid UTF-8 passes: kParseValidateEncodingFlag;
// - converting a number to a double reads outside a table for some, with full precision and
//   without. Nobody here wants doubles: kParseNumbersAsStringsFlag;
// - it still refuses numbers beyond a double, and a lone high surrogate in an escape, though RFC
//   8259 sections 6 and 8.2 allow both: then it reads a plain_copy();
// - a lone `\udc00` is decoded into three bytes that are not UTF-8: has_surrogate();
// - a NUL after the value ends the text, whatever follows: consumed_all().
constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
// Validating takes two thirds of the time, and is for texts that are not ASCII.
constexpr unsigned kValidatingFlags = kFlags | rapidjson::kParseValidateEncodingFlag;

bool is_ascii(std::string_view text) {
  unsigned char bits = 0;
  for (const char byte : text) bits |= static_cast<unsigned char>(byte);
  return bits < 0x80;
}

constexpr std::string_view kWhiteSpace = " \t\r\n";

bool has_surrogate(std::string_view utf8) {
  for (std::size_t at = utf8.find('\xED'); at != std::string_view::npos;
       at = utf8.find('\xED', at + 1)) {
    if (static_cast<unsigned char>(utf8[at + 1]) >= 0xA0) return true;  // Checked: a byte follows.
  }
  return false;
}

// The 16 bits that `\uXXXX` at `at` stands for; nullopt: no such escape there.
std::optional<unsigned> escaped_unit(std::string_view text, std::size_t at) {
  constexpr std::size_t kEscapeBytes = 6;
  if (at > text.size()) return std::nullopt;
  const std::string_view escape = text.substr(at, kEscapeBytes);
  if (escape.size() < kEscapeBytes || !escape.starts_with("\\u")) return std::nullopt;
  unsigned unit = 0;
  const char* const end = escape.data() + escape.size();
  const auto [stop, error] = std::from_chars(escape.data() + 2, end, unit, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return unit;
}

bool is_high_surrogate(unsigned unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low_surrogate(unsigned unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

// The first character behind the escape that begins at `at`, or behind both of a surrogate pair. A
// lone surrogate becomes U+FFFD.
std::size_t make_escape_plain(std::string& text, std::size_t at) {
  const std::optional<unsigned> unit = escaped_unit(text, at);
  if (!unit) return at + 2;
  if (is_high_surrogate(*unit) && is_low_surrogate(escaped_unit(text, at + 6).value_or(0))) {
    return at + 12;
  }
  if (is_high_surrogate(*unit) || is_low_surrogate(*unit)) text.replace(at + 2, 4, "fffd");
  return at + 6;
}

// The first character behind the string that opens at `at`.
std::size_t make_string_plain(std::string& text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"';) {
    at = text[at] == '\\' ? make_escape_plain(text, at) : at + 1;
  }
  return at + 1;
}

bool skip_digits(std::string_view& text) {
  const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
  text.remove_prefix(count);
  return count > 0;
}

bool skip_any_of(std::string_view& text, std::string_view characters) {
  if (text.empty() || characters.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// RFC 8259 section 6.
bool is_number(std::string_view text) {
  skip_any_of(text, "-");
  if (!skip_any_of(text, "0") && !skip_digits(text)) return false;
  if (skip_any_of(text, ".") && !skip_digits(text)) return false;
  if (skip_any_of(text, "eE")) {
    skip_any_of(text, "+-");
    if (!skip_digits(text)) return false;
  }
  return text.empty();
}

// The first character behind what looks like a number at `at`. A real number is replaced by a small
// one of the same length: 0, 10, 0.0, 0.00, ...
std::size_t make_number_plain(std::string& text, std::size_t at) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789+-.eE", at), text.size());
  const std::size_t length = end - at;
  if (!is_number(std::string_view(text).substr(at, length))) return end;
  text.replace(at, length, length, '0');
  if (length == 2) text[at] = '1';
  if (length > 2) text[at + 1] = '.';
  return end;
}

// A copy that RapidJSON can read: every byte is at the same place, but numbers are small and lone
// surrogates are U+FFFD. Text that is not JSON does not become JSON by this.
std::string plain_copy(std::string_view text) {
  std::string plain(text);
  for (std::size_t at = 0; at < plain.size();) {
    const char c = plain[at];
    if (c == '"') {
      at = make_string_plain(plain, at);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
      at = make_number_plain(plain, at);
    } else {
      ++at;
    }
  }
  return plain;
}

bool consumed_all(const rapidjson::MemoryStream& stream) { return stream.Tell() == stream.size_; }

// The first character of the value whose name's closing quote is just before `at`.
std::size_t value_begin(std::string_view text, std::size_t at) {
  return text.find_first_not_of(" \t\r\n:", at);
}

class MemberHandler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, MemberHandler> {
 public:
  using Kind = JsonMember::Kind;

  MemberHandler(std::string_view text, const rapidjson::MemoryStream& stream,
                std::vector<JsonMember>& members, std::size_t depth_max, JsonDuplicates duplicates)
      : text_(text),
        stream_(stream),
        members_(members),
        depth_max_(depth_max),
        duplicates_(duplicates) {}

  bool lone_surrogate() const { return lone_surrogate_; }
  bool too_deep() const { return too_deep_; }
  bool duplicate() const { return duplicate_; }
  std::size_t member_count() const { return member_count_; }

  bool Null() { return scalar(Kind::kNull); }
  bool Bool(bool) { return scalar(Kind::kBool); }
  bool RawNumber(const char*, rapidjson::SizeType, bool) { return scalar(Kind::kNumber); }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    if (!is_text({text, size})) return false;
    if (depth_ == 1 && wanted_ != nullptr) wanted_->text.assign(text, size);
    return scalar(Kind::kString);
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    if (!is_text({text, size})) return false;
    if (depth_ != 1) return true;
    ++member_count_;
    if (duplicates_ == JsonDuplicates::kRefused) {
      duplicate_ = !names_.emplace(text, size).second;
      if (duplicate_) return false;
    }
    wanted_ = find_wanted({text, size});
    begin_ = stream_.Tell();
    return true;
  }
  bool StartObject() { return open(); }
  bool StartArray() { return open(); }
  // Called on the closing bracket, while scalars are reported from behind their last character.
  bool EndObject(rapidjson::SizeType) { return close(Kind::kObject); }
  bool EndArray(rapidjson::SizeType) { return close(Kind::kArray); }

 private:
  bool is_text(std::string_view decoded) {
    lone_surrogate_ = has_surrogate(decoded);
    return !lone_surrogate_;
  }

  // Null for names that were not requested, and for those that have a value already.
  JsonMember* find_wanted(std::string_view name) {
    const auto it = std::find_if(members_.begin(), members_.end(),
                                 [&](const JsonMember& member) { return member.name == name; });
    return it == members_.end() || it->kind != Kind::kAbsent ? nullptr : &*it;
  }

  bool scalar(Kind kind) {
    if (depth_ == 0) return false;  // A value, but not an object.
    if (depth_ == 1) keep(kind, stream_.Tell());
    return true;
  }

  bool open() {
    too_deep_ = ++depth_ > depth_max_;
    return !too_deep_;
  }

  bool close(Kind kind) {
    if (--depth_ == 0) return kind == Kind::kObject;
    if (depth_ == 1) keep(kind, stream_.Tell() + 1);
    return true;
  }

  void keep(Kind kind, std::size_t end) {
    if (wanted_ == nullptr) return;
    const std::size_t begin = value_begin(text_, begin_);
    wanted_->kind = kind;
    wanted_->raw = text_.substr(begin, end - begin);
    wanted_ = nullptr;
  }

  const std::string_view text_;
  const rapidjson::MemoryStream& stream_;
  std::vector<JsonMember>& members_;
  const std::size_t depth_max_;
  const JsonDuplicates duplicates_;
  std::set<std::string> names_;  // Of all members so far, where duplicates are refused.
  std::size_t depth_ = 0;
  std::size_t member_count_ = 0;
  bool lone_surrogate_ = false;
  bool too_deep_ = false;
  bool duplicate_ = false;
  JsonMember* wanted_ = nullptr;  // The member whose value comes next, if it is to be kept.
  std::size_t begin_ = 0;         // Just behind its name.
};

class StringsHandler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, StringsHandler> {
 public:
  explicit StringsHandler(std::vector<std::string>& strings) : strings_(strings) {}
  bool Default() { return false; }
  bool RawNumber(const char*, rapidjson::SizeType, bool) { return false; }  // Else: String().
  bool StartArray() { return !std::exchange(opened_, true); }
  bool EndArray(rapidjson::SizeType) { return true; }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    strings_.emplace_back(text, size);
    lone_surrogate_ = has_surrogate(strings_.back());
    return opened_ && !lone_surrogate_;
  }
  bool lone_surrogate() const { return lone_surrogate_; }

 private:
  std::vector<std::string>& strings_;
  bool lone_surrogate_ = false;
  bool opened_ = false;
};

// The result of one reading.
enum class Reading : std::uint8_t {
  kWhole,
  kRefused,
  kStumbled,  // RapidJSON stopped where a plain_copy() may help.
};

template <typename Handler>
Reading read(rapidjson::MemoryStream& stream, Handler& handler) {
  rapidjson::Reader reader;
  const bool ascii = is_ascii({stream.begin_, stream.size_});
  const rapidjson::ParseResult result = ascii ? reader.Parse<kFlags>(stream, handler)
                                              : reader.Parse<kValidatingFlags>(stream, handler);
  if (!result.IsError()) return consumed_all(stream) ? Reading::kWhole : Reading::kRefused;
  const bool stumbled = handler.lone_surrogate() ||
                        result.Code() == rapidjson::kParseErrorNumberTooBig ||
                        result.Code() == rapidjson::kParseErrorStringUnicodeSurrogateInvalid;
  return stumbled ? Reading::kStumbled : Reading::kRefused;
}

std::vector<JsonMember> members_named(const std::vector<std::string_view>& names) {
  std::vector<JsonMember> members;
  members.reserve(names.size());
  for (const std::string_view name : names) members.push_back({.name = name});
  return members;
}

struct Attempt {
  bool stumbled = false;
  std::optional<JsonError> error{};
  std::size_t member_count = 0;
};

// `parsed` is `text` or its plain copy. Members refer to `text`.
Attempt read_members(std::string_view text, std::string_view parsed,
                     std::vector<JsonMember>& members, std::size_t depth_max,
                     JsonDuplicates duplicates) {
  rapidjson::MemoryStream stream(parsed.data(), parsed.size());
  MemberHandler handler(text, stream, members, depth_max, duplicates);
  const Reading reading = read(stream, handler);
  if (handler.too_deep()) return {.error = JsonError::kDepth};
  if (handler.duplicate()) return {.error = JsonError::kDuplicate};
  if (reading == Reading::kWhole) return {.member_count = handler.member_count()};
  return {.stumbled = reading == Reading::kStumbled, .error = JsonError::kSyntax};
}

// `strings` is the handler's state when the reading ended.
Reading read_strings(std::string_view text, std::vector<std::string>& strings) {
  strings.clear();
  rapidjson::MemoryStream stream(text.data(), text.size());
  StringsHandler handler(strings);
  return read(stream, handler);
}

// The first character behind the string that opens at `at`.
std::size_t string_end(std::string_view text, std::size_t at) {
  for (++at; text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

// The end of the value at `at`, an element of an array or object: the first comma or closing
// bracket outside the value.
std::size_t element_end(std::string_view text, std::size_t at) {
  for (std::size_t depth = 0;;) {
    const char c = text[at];
    const bool closes = c == ']' || c == '}';
    if (depth == 0 && (c == ',' || closes)) return at;
    if (c == '[' || c == '{') ++depth;
    if (closes) --depth;
    at = c == '"' ? string_end(text, at) : at + 1;
  }
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhiteSpace) + 1 - begin);
}

}  // namespace

std::variant<JsonObject, JsonError> JsonObject::parse(std::string_view text,
                                                      const std::vector<std::string_view>& names,
                                                      std::size_t depth_max,
                                                      JsonDuplicates duplicates) {
  if (text.size() > kJsonBytesMax) return JsonError::kSyntax;
  JsonObject object;
  object.members_ = members_named(names);
  Attempt attempt = read_members(text, text, object.members_, depth_max, duplicates);
  if (attempt.stumbled) {
    object.members_ = members_named(names);
    attempt = read_members(text, plain_copy(text), object.members_, depth_max, duplicates);
  }
  if (attempt.error) return *attempt.error;
  object.member_count_ = attempt.member_count;
  return object;
}

const JsonMember& JsonObject::operator[](std::string_view name) const {
  const auto it = std::find_if(members_.begin(), members_.end(),
                               [&](const JsonMember& member) { return member.name == name; });
  assert(it != members_.end());
  return *it;
}

std::optional<std::vector<std::string>> parse_string_array(std::string_view text) {
  if (text.size() > kJsonBytesMax) return std::nullopt;
  std::vector<std::string> strings;
  Reading reading = read_strings(text, strings);
  if (reading == Reading::kStumbled) reading = read_strings(plain_copy(text), strings);
  if (reading != Reading::kWhole) return std::nullopt;
  return strings;
}

std::optional<std::vector<std::string_view>> split_json_array(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with('[')) return std::nullopt;
  std::vector<std::string_view> elements;
  for (std::size_t begin = 1; begin < text.size();) {
    const std::size_t end = element_end(text, begin);
    const std::string_view element = trimmed(text.substr(begin, end - begin));
    if (!element.empty()) elements.push_back(element);  // Empty: the whole array is.
    begin = end + 1;
  }
  return elements;
}

std::vector<RawJsonMember> split_json_object(std::string_view text) {
  text = trimmed(text);
  std::vector<RawJsonMember> members;
  if (!text.starts_with('{')) return members;
  for (std::size_t quote = text.find('"'); quote < text.size(); quote = text.find('"', quote)) {
    const std::size_t name_end = string_end(text, quote);
    const std::size_t begin = text.find(':', name_end) + 1;
    const std::size_t end = element_end(text, begin);
    members.push_back({.name = text.substr(quote + 1, name_end - quote - 2),
                       .value = trimmed(text.substr(begin, end - begin))});
    quote = end;
  }
  return members;
}

}  // namespace bide
