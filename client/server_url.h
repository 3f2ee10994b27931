// client/server_url.h: Where the HTTP interface is: `http://host:port/base`.
//
// Thread safety: values and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "client/arguments.h"

namespace bide {

struct ServerUrl {
  bool tls = false;
  std::string host;  // Without the brackets of an IPv6 address.
  std::uint16_t port = 80;
  std::string base_path;  // Empty, or `/…` without a slash at its end; percent-encoded as given.
};

// http or https, a host, optionally a port and a path. A user name or password is refused: the
// credential is BIDE_TOKEN, and a URL ends up in logs.
[[nodiscard]] std::variant<ServerUrl, Misuse> parse_server_url(std::string_view text);

// For messages; holds no secret.
[[nodiscard]] std::string text_of(const ServerUrl& url);

// Whether `token` can stand in an Authorization field: visible ASCII only. httplib writes header
// values as they are, so a line break in the token would add a header of its own.
[[nodiscard]] bool is_safe_token(std::string_view token);

}  // namespace bide
