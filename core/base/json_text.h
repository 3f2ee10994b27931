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
  explicit JsonText(std::size_t bytes_expected = 0) : out_(bytes_expected, '\0') {}

  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
  void key(std::string_view name);
  // A literal: one that needs no escape, which is not looked for.
  template <std::size_t kSize>
  void key(const char (&name)[kSize]) {
    clean_key({name, kSize - 1});
  }
  void string(std::string_view value);
  // Takes any bytes, for a log or a terminal: bytes that are not UTF-8 become U+FFFD, and
  // characters that are not printable (core/base/printable.h) are escaped.
  void printable_string(std::string_view value);
  void raw(std::string_view json);  // One JSON value, copied unchanged.
  void boolean(bool value) { raw(value ? "true" : "false"); }
  void number(std::uint64_t value) { raw(std::to_string(value)); }
  // The shortest text that reads back as `value`. Infinity and NaN become `null`, because JSON has
  // neither.
  void real(double value);

  // `name` as for key().
  template <typename Name>
  void member(const Name& name, std::string_view string_value) {
    key(name);
    string(string_value);
  }
  // A member whose value is left out together with its key when it is empty.
  template <typename Name>
  void string_if(const Name& name, std::string_view value) {
    if (!value.empty()) member(name, value);
  }
  template <typename Name>
  void raw_if(const Name& name, std::string_view json) {
    if (json.empty()) return;
    key(name);
    raw(json);
  }

  [[nodiscard]] std::string take() {
    out_.resize(size_);
    return std::move(out_);
  }

 private:
  // Where up to `bytes` may be written; put_to() says up to where they were.
  [[nodiscard]] char* room(std::size_t bytes) {
    if (out_.size() - size_ < bytes) grow(bytes);
    return out_.data() + size_;
  }
  void put_to(const char* end) { size_ = static_cast<std::size_t>(end - out_.data()); }
  void put(std::string_view text) {
    text.copy(room(text.size()), text.size());
    size_ += text.size();
  }
  void put(char c) {
    *room(1) = c;
    ++size_;
  }
  void grow(std::size_t bytes);
  void separate() {
    if (comma_due_) put(',');
  }
  void clean_key(std::string_view name);
  void quote(std::string_view text, bool is_key, bool is_clean);
  void append_escaped(std::string_view text);

  // Written to its size_, and zeros behind: appending to a string costs more than copying does.
  std::string out_;
  std::size_t size_ = 0;
  bool comma_due_ = false;
};

}  // namespace bide
