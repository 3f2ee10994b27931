// server/auth/bearer.h: The bearer token that a request presents: RFC 6750.
//
// Thread safety: pure function. Views point into the request.
#pragma once

#include <httplib.h>

#include <string_view>

namespace bide {

struct BearerToken {
  enum class Found : std::uint8_t {
    kNone,
    kOne,
    kAmbiguous,  // Several Authorization fields: which would count? Section 3.1: invalid_request.
  };
  Found found = Found::kNone;
  std::string_view token;  // As sent: it may be anything, and empty.
};

// Where a token is looked for, the first place that has one counts:
//   Authorization: Bearer <token>           the scheme in any case; other schemes are a proxy's
//   affair Sec-WebSocket-Protocol: bearer.<token>  where the request asks for a WebSocket: pages
//   cannot set
//                                           Authorization there
//   Cookie: <cookie>=<token>                what EventSource sends; meant to be HttpOnly
// Never in the URL, where it would be logged (section 2.3 is not followed). `cookie`: the name.
[[nodiscard]] BearerToken find_bearer(const httplib::Request& request, std::string_view cookie);

}  // namespace bide
