// core/base/listen_address.h: Where a server listens, as people write it: `127.0.0.1:8080`,
// `[::1]:8080`, `localhost:0` or `unix:/run/bide/bide.sock`.
//
// Thread safety: values and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bide {

inline constexpr std::string_view kUnixScheme = "unix:";

struct ListenAddress {
  std::string host{};      // An IPv4 address, an IPv6 address without brackets, or a name.
  std::uint16_t port = 0;  // 0: any free one.
  std::string path{};      // Of a Unix socket, which has no host; empty: TCP.
  int passed_fd = -1;      // A socket that already listens there, passed by systemd; -1: none.

  [[nodiscard]] bool is_unix() const { return !path.empty(); }

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// nullopt: `text` is neither HOST:PORT nor unix:PATH.
[[nodiscard]] std::optional<ListenAddress> parse_listen_address(std::string_view text);

// As parse_listen_address() reads it.
[[nodiscard]] std::string text_of(const ListenAddress& address);

// The path of a Unix socket: absolute, without NUL, and of at most 107 bytes (unix(7)).
[[nodiscard]] bool is_socket_path(std::string_view path);

// Whether only this machine can connect.
[[nodiscard]] bool is_local(const ListenAddress& address);

}  // namespace bide
