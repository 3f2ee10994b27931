// server/http/response_head.h: An http::Response as the bytes that go to the socket.
//
// The writer alone sets Date and the fields that frame a message: Content-Length, Transfer-Encoding
// and Connection (which names Upgrade if the handler sends that). If a handler sets them, they are
// ignored, so no answer can contradict itself. There is no Server field: it would be of use only to
// attackers. Every response says kNoSniffing.
//
// Thread safety: pure functions; `out` belongs to the caller.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "server/http/message.h"

namespace bide {

// A browser must not guess that JSON is something else (Fetch, section 3.6).
inline constexpr std::string_view kNoSniffing = "X-Content-Type-Options: nosniff\r\n";

// How a request has to be answered.
struct Delivery {
  bool head_only = false;                // HEAD: the fields of a GET, without its body.
  bool http_1_0 = false;                 // Then keep-alive must be stated.
  bool close = false;                    // The connection ends with this answer.
  std::string_view further_fields = {};  // Whole, valid lines.
};

// Appends status line and fields, up to and with the empty line, for a body of `body_bytes` that
// the caller appends: nothing is copied that a snapshot holds already. See has_body().
//   Content-Length  always, but for 1xx, 204 and 304, which have no content (RFC 9110 section 8.6)
//   Content-Type    not with these either: there is nothing it could describe
//   1xx             fields as they are, without Date and Connection of ours
void append_head(std::string& out, const http::Response& response, std::size_t body_bytes,
                 const Delivery& delivery);

// Whether a body follows that head at all.
[[nodiscard]] bool has_body(int status, const Delivery& delivery);

// The head of a response that ends with its connection, or is framed by `Transfer-Encoding:
// chunked` (any other value is not sent), or by whatever follows a 101. Always `Connection: close`,
// but for 101, whose Connection is the handler's.
void append_stream_head(std::string& out, const http::Response& response,
                        std::string_view further_fields = {});

// `100 Continue`, for Step::wants_continue.
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// Appends `name: value` and a line end. Bytes that would end the line or may not be in a value
// become spaces (RFC 9110 section 5.5), so that no value, wherever it came from, can add a field or
// an answer. A name that is no token is a bug: asserted, and the field left out.
void append_field(std::string& out, std::string_view name, std::string_view value);

}  // namespace bide
