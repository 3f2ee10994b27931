#include "core/base/listen_address.h"

#include <sys/un.h>

#include "core/base/host_port.h"

namespace bide {

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
  ListenAddress address;
  if (text.starts_with(kUnixScheme)) {
    address.path = text.substr(kUnixScheme.size());
    return is_socket_path(address.path) ? std::optional(std::move(address)) : std::nullopt;
  }
  const std::optional<HostPort> parts = split_host_port(text);
  if (!parts || !parts->port) return std::nullopt;
  const std::string_view host = parts->host;
  if (!(parts->bracketed ? is_ipv6_with_zone(host) : is_plain_host(host))) return std::nullopt;
  const std::optional<std::uint16_t> port = parse_port(*parts->port);
  if (!port) return std::nullopt;
  address.host = host;
  address.port = *port;
  return address;
}

std::string text_of(const ListenAddress& address) {
  if (address.is_unix()) return std::string(kUnixScheme) + address.path;
  return host_in_url(address.host) + ":" + std::to_string(address.port);
}

bool is_socket_path(std::string_view path) {
  return path.starts_with('/') && path.size() < sizeof(sockaddr_un::sun_path) &&
         path.find('\0') == std::string_view::npos;
}

bool is_local(const ListenAddress& address) {
  return address.is_unix() || is_loopback_host(address.host);
}

}  // namespace bide
