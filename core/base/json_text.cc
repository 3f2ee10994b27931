#include "core/base/json_text.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/base/printable.h"

namespace bide {
namespace {

// Below U+10000.
void append_code_point(std::string& out, char32_t code_point) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u";
  for (const unsigned shift : {12U, 8U, 4U, 0U}) out += kHex[code_point >> shift & 0xFU];
}

void append_escape(std::string& out, char c) {
  constexpr std::string_view kNamed = "\"\\\b\f\n\r\t";
  constexpr std::string_view kNames = "\"\\bfnrt";
  if (const std::size_t at = kNamed.find(c); at != std::string_view::npos) {
    out += '\\';
    out += kNames[at];
    return;
  }
  append_code_point(out, static_cast<unsigned char>(c));
}

using Word = std::uint64_t;
constexpr Word kOnes = 0x0101010101010101;
constexpr Word kHighs = kOnes << 7U;

Word load(const char* at) {
  Word word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

Word load_half(const char* at) {
  std::uint32_t half = 0;
  std::memcpy(&half, at, sizeof half);
  return half;
}

// The high bit of some byte is set if any byte of `word` is below `limit` (at most 0x80), and clear
// in all if none is.
constexpr Word any_below(Word word, Word limit) { return (word - kOnes * limit) & ~word & kHighs; }
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
    const char* const last = text.data() + text.size() - sizeof(Word) / 2;
    return is_clean(load_half(text.data()) | load_half(last) << 32U);
  }
  for (std::size_t i = 0; i + sizeof(Word) <= text.size(); i += sizeof(Word)) {
    if (!is_clean(load(text.data() + i))) return false;
  }
  return is_clean(load(text.data() + text.size() - sizeof(Word)));
}

}  // namespace

void JsonText::begin_object() {
  separate();
  out_ += '{';
  comma_due_ = false;
}

void JsonText::end_object() {
  out_ += '}';
  comma_due_ = true;
}

void JsonText::begin_array() {
  separate();
  out_ += '[';
  comma_due_ = false;
}

void JsonText::end_array() {
  out_ += ']';
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
  out_ += '"';
  while (!value.empty()) {
    const Character first = first_character(value);
    if (!first.valid) {
      out_ += kReplacement;
    } else if (needs_escape(value.front())) {
      append_escape(out_, value.front());
    } else if (!is_printable(first.code_point)) {
      append_code_point(out_, first.code_point);  // All of these are below U+10000.
    } else {
      out_ += value.substr(0, first.bytes);
    }
    value.remove_prefix(first.bytes);
  }
  out_ += '"';
  comma_due_ = true;
}

void JsonText::real(double value) {
  if (!std::isfinite(value)) return raw("null");
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  raw(std::string_view(text.data(), static_cast<std::size_t>(end - text.data())));
}

void JsonText::real(double value, int decimals) {
  if (!std::isfinite(value)) return raw("null");
  std::array<char, 400> text{};  // 1e308 has 309 digits.
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value,
                                          std::chars_format::fixed, decimals);
  raw(std::string_view(text.data(), static_cast<std::size_t>(end - text.data())));
}

void JsonText::raw(std::string_view json) {
  separate();
  out_ += json;
  comma_due_ = true;
}

void JsonText::separate() {
  if (comma_due_) out_ += ',';
}

// Short text leaves with its punctuation in one append: four would cost more than copying it twice.
void JsonText::quote(std::string_view text, bool is_key, bool is_clean) {
  constexpr std::size_t kShort = 60;
  if (is_clean && text.size() <= kShort) {
    std::array<char, kShort + 4> piece{};
    char* end = piece.data();
    if (comma_due_) *end++ = ',';
    *end++ = '"';
    end = std::copy(text.begin(), text.end(), end);
    *end++ = '"';
    if (is_key) *end++ = ':';
    out_.append(piece.data(), static_cast<std::size_t>(end - piece.data()));
    return;
  }
  separate();
  out_ += '"';
  if (is_clean) {
    out_ += text;
  } else {
    append_escaped(text);
  }
  out_ += is_key ? std::string_view("\":") : std::string_view("\"");
}

void JsonText::append_escaped(std::string_view text) {
  std::size_t begin = 0;  // Where the run begins that is copied at once.
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!needs_escape(text[i])) continue;
    out_.append(text, begin, i - begin);
    append_escape(out_, text[i]);
    begin = i + 1;
  }
  out_.append(text, begin);
}

}  // namespace bide
