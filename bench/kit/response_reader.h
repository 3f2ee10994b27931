// bench/kit/response_reader.h: Splits the bytes of one connection into responses.
//
// It trusts the server: it reads Content-Length framing only, which all measured servers use.
//
// Thread safety: none; one per connection.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

struct Response {
  int status = 0;
  std::string_view head;  // With the empty line. Valid until the next call of take() or feed().
  std::string_view body;

  // The value of a field, as sent; empty when absent. `name` in any case.
  [[nodiscard]] std::string_view field(std::string_view name) const;
};

// The head of a response at the front of `bytes`; the body is left empty. Otherwise as
// parse_response().
[[nodiscard]] std::optional<Response> parse_head(std::string_view bytes);
// The response at the front of `bytes`, whose views point into them. nullopt: it is not whole. Dies
// on what is not HTTP/1.1.
[[nodiscard]] std::optional<Response> parse_response(std::string_view bytes);

class ResponseReader {
 public:
  // Appends the bytes that were read.
  void feed(std::string_view bytes) { buffer_ += bytes; }
  // The next complete response. nullopt: not here yet.
  [[nodiscard]] std::optional<Response> take();
  // Nothing has been received beyond the responses taken.
  [[nodiscard]] bool empty() const { return buffer_.size() == taken_; }

 private:
  std::string buffer_;
  std::size_t taken_ = 0;  // Of the buffer, by the response handed out last.
};

}  // namespace bench
