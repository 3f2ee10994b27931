#include "server/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <optional>
#include <string_view>

namespace bide {
namespace {

constexpr std::size_t kPrefixBytes = 8;  // Of an IPv6 address: /64.

std::optional<sockaddr_storage> peer_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return std::nullopt;
  return address;
}

}  // namespace

std::string peer_name(int fd) {
  const std::optional<sockaddr_storage> found = peer_of(fd);
  if (!found) return "";
  const sockaddr_storage& address = *found;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
  ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  return std::string(text.data()) + ":" + std::to_string(ntohs(v4.sin_port));
}

std::uint64_t hash_of_peer(int fd) {
  const std::optional<sockaddr_storage> found = peer_of(fd);
  if (!found) return 1;
  std::string_view bytes;
  if (found->ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(*found);
    bytes = {reinterpret_cast<const char*>(&v6.sin6_addr), kPrefixBytes};
  } else {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(*found);
    bytes = {reinterpret_cast<const char*>(&v4.sin_addr), sizeof v4.sin_addr};
  }
  return std::hash<std::string_view>{}(bytes) | 1;
}

}  // namespace bide
