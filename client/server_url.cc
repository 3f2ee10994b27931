#include "client/server_url.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace bide {
namespace {

bool is_visible(char c) { return c > ' ' && c < 0x7f; }

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool is_address_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
         c == '.';
}

// The text behind the host: empty, or `:port`.
std::optional<std::uint16_t> parse_port(std::string_view text, std::uint16_t standard) {
  if (text.empty()) return standard;
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + 1, end, port);
  if (text.front() != ':' || error != std::errc() || rest != end || port == 0) return std::nullopt;
  return port;
}

bool parse_authority(std::string_view authority, ServerUrl& url) {
  std::size_t host_end = 0;
  if (authority.starts_with('[')) {
    host_end = authority.find(']');
    if (host_end == std::string_view::npos) return false;
    url.host = authority.substr(1, host_end - 1);
    if (!std::ranges::all_of(url.host, is_address_char)) return false;
    ++host_end;
  } else {
    host_end = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, host_end);
    if (!std::ranges::all_of(url.host, is_host_char)) return false;
  }
  const auto port = parse_port(authority.substr(host_end), url.tls ? 443 : 80);
  if (url.host.empty() || !port) return false;
  url.port = *port;
  return true;
}

}  // namespace

std::variant<ServerUrl, Misuse> parse_server_url(std::string_view text) {
  ServerUrl url;
  if (text.starts_with("https://")) {
    url.tls = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return Misuse{"the server's URL must begin with http:// or https://"};
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

std::string text_of(const ServerUrl& url) {
  const bool address = url.host.find(':') != std::string::npos;
  return std::string(url.tls ? "https://" : "http://") +
         (address ? "[" + url.host + "]" : url.host) + ":" + std::to_string(url.port) +
         url.base_path;
}

bool is_safe_token(std::string_view token) { return std::ranges::all_of(token, is_visible); }

}  // namespace bide
