// core/base/json_text.h: Writes JSON, in the order of the calls and without white space.
//
// Thread safety: none; lives on one stack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bide {

// The caller pairs each begin with an end, and writes a key before each value inside an object.
// Strings must be UTF-8. Only characters that RFC 8259 section 7 requires to be escaped are
// escaped.
class JsonText {
 public:
  // `bytes_expected`: an estimate of the whole size; a good one saves copies while the text grows.
  explicit JsonText(std::size_t bytes_expected = 0) { out_.reserve(bytes_expected); }

  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
  void key(std::string_view name);
  void string(std::string_view value);
  // Takes any bytes, for a log or a terminal: bytes that are not UTF-8 become U+FFFD, and
  // characters that are not printable (core/base/printable.h) are escaped.
  void printable_string(std::string_view value);
  void raw(std::string_view json);  // One JSON value, copied unchanged.
  void boolean(bool value) { raw(value ? "true" : "false"); }
  void number(std::uint64_t value) { raw(std::to_string(value)); }
  // The shortest text that reads back as `value`, or with that many decimals. Infinity and NaN
  // become `null`, because JSON has neither.
  void real(double value);
  void real(double value, int decimals);

  void member(std::string_view name, std::string_view string_value);
  // Writes nothing if the value is empty.
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
