#include "core/json_object.h"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <cassert>
#include <set>
#include <utility>

namespace bide {
namespace {

// What RapidJSON 1.1.0 does when left alone, and the flag or check that stops it:
// - its recursive parser overflows a 1 MiB stack at depth 20,000: kParseIterativeFlag;
// - invalid UTF-8 passes: kParseValidateEncodingFlag;
// - full precision reads beyond its tables for some numbers, and even the normal one does: a
//   million zeros and `e-2147483639` overflow the sum of exponents. Nobody here wants doubles, so
//   kParseNumbersAsStringsFlag keeps it from computing any;
// - a lone `\udc00` is decoded into three bytes that are not UTF-8: has_surrogate();
// - a NUL after the value ends the text, whatever follows: consumed_all().
constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag |
                            rapidjson::kParseNumbersAsStringsFlag;

constexpr std::string_view kWhiteSpace = " \t\r\n";

bool has_surrogate(std::string_view utf8) {
  for (std::size_t at = utf8.find('\xED'); at != std::string_view::npos;
       at = utf8.find('\xED', at + 1)) {
    if (static_cast<unsigned char>(utf8[at + 1]) >= 0xA0) return true;  // Checked: a byte follows.
  }
  return false;
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

  bool too_deep() const { return too_deep_; }
  bool duplicate() const { return duplicate_; }
  std::size_t member_count() const { return member_count_; }

  bool Null() { return scalar(Kind::kNull); }
  bool Bool(bool) { return scalar(Kind::kBool); }
  bool RawNumber(const char*, rapidjson::SizeType, bool) { return scalar(Kind::kNumber); }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    if (has_surrogate({text, size})) return false;
    if (depth_ == 1 && wanted_ != nullptr) wanted_->text.assign(text, size);
    return scalar(Kind::kString);
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    if (has_surrogate({text, size})) return false;
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
  // Null for names nobody asked for, and for those that have had their value.
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
    return opened_;
  }

 private:
  std::vector<std::string>& strings_;
  bool opened_ = false;
};

// The first character behind the string that opens at `at`.
std::size_t string_end(std::string_view text, std::size_t at) {
  for (++at; text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

// Where the value at `at` ends that stands in an array or object: the first comma or closing
// bracket that is not inside of it.
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
  JsonObject object;
  object.members_.reserve(names.size());
  for (const std::string_view name : names) object.members_.push_back({.name = name});

  rapidjson::MemoryStream stream(text.data(), text.size());
  MemberHandler handler(text, stream, object.members_, depth_max, duplicates);
  rapidjson::Reader reader;
  const bool parsed = !reader.Parse<kFlags>(stream, handler).IsError();
  if (handler.too_deep()) return JsonError::kDepth;
  if (handler.duplicate()) return JsonError::kDuplicate;
  if (!parsed || !consumed_all(stream)) return JsonError::kSyntax;
  object.member_count_ = handler.member_count();
  return object;
}

const JsonMember& JsonObject::operator[](std::string_view name) const {
  const auto it = std::find_if(members_.begin(), members_.end(),
                               [&](const JsonMember& member) { return member.name == name; });
  assert(it != members_.end());
  return *it;
}

std::optional<std::vector<std::string>> parse_string_array(std::string_view text) {
  std::vector<std::string> strings;
  rapidjson::MemoryStream stream(text.data(), text.size());
  StringsHandler handler(strings);
  rapidjson::Reader reader;
  if (reader.Parse<kFlags>(stream, handler).IsError() || !consumed_all(stream)) return std::nullopt;
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
