// server/auth/bearer.h: The bearer token that a request presents: RFC 6750.
//
// Thread safety: pure function. Views point into the request.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/http/message.h"

namespace bide {

struct BearerToken {
  enum class Found : std::uint8_t {
    kNone,
    kOne,
    kAmbiguous,  // Several Authorization fields. Section 3.1: invalid_request.
  };
  Found found = Found::kNone;
  std::string_view token;  // As sent: any text, perhaps empty.
  bool in_cookie = false;
};

// Searches these places; the first one that has a token counts:
// - `Authorization: Bearer <token>`, with the scheme in any case. Other schemes are ignored,
// because
//   a proxy may need them.
// - `Sec-WebSocket-Protocol: bearer.<token>`, if the request asks for a WebSocket, because pages
//   cannot set Authorization there.
// - `Cookie: <cookie>=<token>`, for EventSource; the cookie should be HttpOnly.
// The URL is not searched, because URLs are logged (section 2.3 is not followed). `cookie`: the
// name.
[[nodiscard]] BearerToken find_bearer(const http::Request& request, std::string_view cookie);

}  // namespace bide
