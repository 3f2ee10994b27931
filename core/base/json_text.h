// core/base/json_text.h: Writes JSON in the order it is told to, without white space.
//
// Thread safety: none; lives on one stack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bide {

// The caller keeps begins and ends in pairs, and a key before each value inside an object. Strings
// must be UTF-8; they come out as they are but for what RFC 8259 section 7 wants escaped.
class JsonText {
 public:
  // `bytes_expected`: a guess at the size of the whole; a good one spares copying while it grows.
  explicit JsonText(std::size_t bytes_expected = 0) { out_.reserve(bytes_expected); }

  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
  void key(std::string_view name);
  void string(std::string_view value);
  // Of any bytes, for a log or a terminal: what is not UTF-8 becomes U+FFFD, and what is not
  // printable (core/base/printable.h) is escaped.
  void printable_string(std::string_view value);
  void raw(std::string_view json);  // One JSON value, taken over byte by byte.
  void boolean(bool value) { raw(value ? "true" : "false"); }
  void number(std::uint64_t value) { raw(std::to_string(value)); }
  // The shortest text that is read as `value`, or so many decimals. `null`: JSON has no infinity.
  void real(double value);
  void real(double value, int decimals);

  void member(std::string_view name, std::string_view string_value);
  // A member whose value is left out together with its key when it is empty.
  void string_if(std::string_view name, std::string_view value);
  void raw_if(std::string_view name, std::string_view json);

  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void separate();
  void quote(std::string_view text, bool is_key);
  void append_escaped(std::string_view text);

  std::string out_;
  bool comma_due_ = false;
};

}  // namespace bide
