// client/server_url.h: The URL of the HTTP interface: `http://host:port/base`, or the Unix socket
// `unix:/run/bide/bide.sock`.
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
  std::string socket;     // Path of a Unix socket; empty: TCP. Then the rest is not used.
  std::string base_path;  // Empty, or `/…` without a slash at the end; as given, not decoded.
};

// http or https, a host, and optionally a port and a path; or unix: and a path. A user name or
// password is refused: URLs get into logs, and the credential is BIDE_TOKEN.
[[nodiscard]] std::variant<ServerUrl, Misuse> parse_server_url(std::string_view text);

// Whether what is sent there can be read on the way: it leaves this machine without TLS.
[[nodiscard]] bool is_plain_text(const ServerUrl& url);

// For messages; holds no secret.
[[nodiscard]] std::string text_of(const ServerUrl& url);

// Whether `token` fits into an Authorization field: visible ASCII only. httplib writes header
// values unchanged, so a line break in the token would add another header.
[[nodiscard]] bool is_safe_token(std::string_view token);

}  // namespace bide
