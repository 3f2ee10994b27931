#include "client/server_url.h"

#include <algorithm>
#include <optional>

#include "core/base/client_address.h"
#include "core/base/host_port.h"
#include "core/base/listen_address.h"

namespace bide {
namespace {

bool is_visible(char c) { return c > ' ' && c < 0x7f; }

bool parse_authority(std::string_view authority, ServerUrl& url) {
  const std::optional<HostPort> parts = split_host_port(authority);
  if (!parts) return false;
  if (!(parts->bracketed ? is_ipv6(parts->host) : is_plain_host(parts->host))) return false;
  url.host = parts->host;
  url.port = url.tls ? 443 : 80;
  if (parts->port) url.port = parse_port(*parts->port).value_or(0);
  return url.port != 0;
}

}  // namespace

std::variant<ServerUrl, Misuse> parse_server_url(std::string_view text) {
  ServerUrl url;
  if (text.starts_with(kUnixScheme)) {
    url.socket = text.substr(kUnixScheme.size());
    if (is_socket_path(url.socket)) return url;
    return Misuse{"the path of a Unix socket must begin with a slash and have at most 107 bytes"};
  }
  if (text.starts_with("https://")) {
    url.tls = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return Misuse{"the server's URL must begin with http://, https:// or unix:"};
  }
  const std::size_t path_begin = std::min(text.find('/'), text.size());
  const std::string_view authority = text.substr(0, path_begin);
  std::string_view path = text.substr(path_begin);
  if (authority.find('@') != std::string_view::npos) {
    return Misuse{"the server's URL must not hold a user or password; put a token in BIDE_TOKEN"};
  }
  if (!parse_authority(authority, url)) {
    return Misuse{"the server's URL needs a host and, if any, a port from 1 to 65535"};
  }
  if (!std::ranges::all_of(path, is_visible) || path.find_first_of("?#") != path.npos) {
    return Misuse{"the server's URL may have a path, but no query, fragment or blank"};
  }
  while (path.ends_with('/')) path.remove_suffix(1);
  url.base_path = path;
  return url;
}

bool is_plain_text(const ServerUrl& url) {
  return !url.tls && url.socket.empty() && !is_loopback_host(url.host);
}

std::string text_of(const ServerUrl& url) {
  if (!url.socket.empty()) return std::string(kUnixScheme) + url.socket;
  return (url.tls ? "https://" : "http://") + host_in_url(url.host) + ":" +
         std::to_string(url.port) + url.base_path;
}

bool is_safe_token(std::string_view token) { return std::ranges::all_of(token, is_visible); }

}  // namespace bide
