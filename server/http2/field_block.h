// server/http2/field_block.h: Makes an http::Request of the fields of an HTTP/2 request, or a
// refusal.
//
// nghttp2 has checked what RFC 9113 section 8 says of each field: the bytes of names and values,
// which pseudo-fields there are and that they come first, no connection-specific fields. What is
// left is checked here, by the rules that HTTP/1.1 requests obey (server/http1/request_parser.h).
//
// Thread safety: none; belongs to its connection's owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/message.h"
#include "server/http/refusal.h"

namespace bide {

class FieldBlock {
 public:
  // A block that begins. It keeps the request that it had, whose memory is used again.
  void begin();
  // Takes the next field. What makes the request malformed is remembered for finish(); from there
  // on fields are only counted.
  void take(std::string_view name, std::string_view value);
  // The block is complete. 400, 413, 414, 417, 431, 501: the request is refused. `ended`: no
  // content follows.
  [[nodiscard]] Refusal finish(bool ended);

  // After finish(). `headers` as request_parser.h says, with the lines of Cookie joined (RFC 9113
  // section 8.2.3).
  [[nodiscard]] http::Request& request() { return *request_; }
  [[nodiscard]] std::unique_ptr<http::Request> take_request() { return std::move(request_); }
  [[nodiscard]] const std::optional<std::string>& host() const { return host_; }
  [[nodiscard]] bool expects_continue() const { return expects_continue_; }
  // As far as it is known: for a refusal.
  [[nodiscard]] std::string_view method() const { return method_; }

  // Names, values and 32 bytes for each field (RFC 9113 section 6.5.2), all that came.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  // The memory that it holds.
  [[nodiscard]] std::size_t kept_bytes() const;
  // Frees what it holds.
  void drop();

 private:
  void refuse(const Refusal& refusal) {
    if (!refusal_) refusal_ = refusal;
  }
  void take_pseudo(std::string_view name, std::string_view value);
  void take_length(std::string_view value);

  std::unique_ptr<http::Request> request_;
  std::string method_, path_;
  std::optional<std::string> authority_, host_;
  std::size_t bytes_ = 0;
  std::size_t fields_ = 0;
  bool expects_continue_ = false;
  Refusal refusal_;
};

}  // namespace bide
