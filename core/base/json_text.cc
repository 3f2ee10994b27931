#include "core/base/json_text.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/base/printable.h"
#include "core/base/utf8_text.h"

namespace bide {
namespace {

// Room for the members that follow, when there is no more.
constexpr std::size_t kGrowthBytesMin = 256;

// Below U+10000.
std::string escape_of(char32_t code_point) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string escape = "\\u";
  for (const unsigned shift : {12U, 8U, 4U, 0U}) escape += kHex[code_point >> shift & 0xFU];
  return escape;
}

std::string escape_of(char c) {
  constexpr std::string_view kNamed = "\"\\\b\f\n\r\t";
  constexpr std::string_view kNames = "\"\\bfnrt";
  const std::size_t at = kNamed.find(c);
  if (at != std::string_view::npos) return {'\\', kNames[at]};
  return escape_of(static_cast<char32_t>(static_cast<unsigned char>(c)));
}

using Word = std::uint64_t;
constexpr Word kOnes = 0x0101010101010101;

template <typename Number>
Number load(const char* at) {
  Number number = 0;
  std::memcpy(&number, at, sizeof number);
  return number;
}

// Not 0 if any byte of `word` is below `limit` (at most 0x80); 0 if none is.
constexpr Word any_below(Word word, Word limit) {
  return (word - kOnes * limit) & ~word & kOnes << 7U;
}
constexpr Word any_equal(Word word, char c) {
  return any_below(word ^ (kOnes * static_cast<unsigned char>(c)), 1);
}

bool needs_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

// Eight characters at a time, because hardly any text has to be escaped. The last eight may overlap
// those before.
bool needs_no_escape(std::string_view text) {
  const auto is_clean = [](Word word) {
    return (any_below(word, 0x20) | any_equal(word, '"') | any_equal(word, '\\')) == 0;
  };
  if (text.size() < sizeof(Word) / 2) return std::none_of(text.begin(), text.end(), needs_escape);
  if (text.size() < sizeof(Word)) {
    using Half = std::uint32_t;
    const char* const last = text.data() + text.size() - sizeof(Half);
    return is_clean(load<Half>(text.data()) | Word{load<Half>(last)} << 32U);
  }
  for (std::size_t i = 0; i + sizeof(Word) <= text.size(); i += sizeof(Word)) {
    if (!is_clean(load<Word>(text.data() + i))) return false;
  }
  return is_clean(load<Word>(text.data() + text.size() - sizeof(Word)));
}

}  // namespace

void JsonText::begin_object() {
  separate();
  put('{');
  comma_due_ = false;
}

void JsonText::end_object() {
  put('}');
  comma_due_ = true;
}

void JsonText::begin_array() {
  separate();
  put('[');
  comma_due_ = false;
}

void JsonText::end_array() {
  put(']');
  comma_due_ = true;
}

void JsonText::key(std::string_view name) {
  quote(name, true, needs_no_escape(name));
  comma_due_ = false;
}

void JsonText::clean_key(std::string_view name) {
  assert(needs_no_escape(name));
  quote(name, true, true);
  comma_due_ = false;
}

void JsonText::string(std::string_view value) {
  quote(value, false, needs_no_escape(value));
  comma_due_ = true;
}

void JsonText::printable_string(std::string_view value) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  separate();
  put('"');
  while (!value.empty()) {
    const Character first = first_character(value);
    if (!first.valid) {
      put(kReplacement);
    } else if (needs_escape(value.front())) {
      put(escape_of(value.front()));
    } else if (!is_printable(first.code_point)) {
      put(escape_of(first.code_point));  // All of these are below U+10000.
    } else {
      put(value.substr(0, first.bytes));
    }
    value.remove_prefix(first.valid ? first.bytes : 1);
  }
  put('"');
  comma_due_ = true;
}

void JsonText::real(double value) {
  if (!std::isfinite(value)) return raw("null");
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  raw(std::string_view(text.data(), static_cast<std::size_t>(end - text.data())));
}

void JsonText::raw(std::string_view json) {
  separate();
  put(json);
  comma_due_ = true;
}

void JsonText::grow(std::size_t bytes) {
  out_.resize(std::max(2 * out_.size(), size_ + bytes + kGrowthBytesMin));
}

void JsonText::quote(std::string_view text, bool is_key, bool is_clean) {
  constexpr std::size_t kPunctuation = 4;
  char* end = room(text.size() + kPunctuation);
  if (comma_due_) *end++ = ',';
  *end++ = '"';
  if (is_clean) {
    end += text.copy(end, text.size());
  } else {
    put_to(end);
    append_escaped(text);
    end = room(2);
  }
  *end++ = '"';
  if (is_key) *end++ = ':';
  put_to(end);
}

void JsonText::append_escaped(std::string_view text) {
  std::size_t begin = 0;  // Where the run begins that is copied at once.
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!needs_escape(text[i])) continue;
    put(text.substr(begin, i - begin));
    put(escape_of(text[i]));
    begin = i + 1;
  }
  put(text.substr(begin));
}

}  // namespace bide
