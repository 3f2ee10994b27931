// core/base/client_address.h: The address of a client, and ranges of addresses.
//
// A socket that listens on [::] shows an IPv4 client by an IPv4-mapped IPv6 address (RFC 4291
// section 2.5.5.2). Here a mapped address equals its IPv4 address in every respect.
//
// Thread safety: values and pure functions, except of_peer() and peer_name(): they make one system
// call, which does not block.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr_storage;

namespace bide {

class ClientAddress {
 public:
  // `::`, which is no client's address.
  ClientAddress() = default;
  // Who connects to a Unix socket is on this machine: 127.0.0.1. `::` for other families.
  [[nodiscard]] static ClientAddress of(const sockaddr_storage& address);
  // The address of the other end of a connected socket; `::` if it has closed.
  [[nodiscard]] static ClientAddress of_peer(int fd);
  // `192.0.2.1`, `2001:db8::1` or `::ffff:192.0.2.1`, without brackets, port or zone.
  [[nodiscard]] static std::optional<ClientAddress> parse(std::string_view text);

  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] bool is_loopback() const;     // `127.0.0.0/8` or `::1`.
  [[nodiscard]] bool is_unspecified() const;  // `0.0.0.0` or `::`: listening there is everywhere.
  // In network byte order; an IPv4 address in its mapped form.
  [[nodiscard]] const std::array<unsigned char, 16>& bytes() const { return bytes_; }
  // Names the client in limits that hold for each client. Derived from the whole IPv4 address, or
  // from the /64 of an IPv6 address, because one customer has at least that (RFC 6177). Differs
  // from process to process. Never 0.
  [[nodiscard]] std::uint64_t client() const;

  friend bool operator==(const ClientAddress&, const ClientAddress&) = default;

 private:
  friend class AddressRange;
  std::array<unsigned char, 16> bytes_{};
};

// `::1`, `::ffff:192.0.2.1`; no brackets, port or zone, and no IPv4 address.
[[nodiscard]] bool is_ipv6(std::string_view text);

// Of TCP, over IPv4 or IPv6.
[[nodiscard]] std::uint16_t port_of(const sockaddr_storage& address);

// The other end of a connected socket: `127.0.0.1:40000`, `[::1]:40000`, or `unix:`. Empty if it
// has closed.
[[nodiscard]] std::string peer_name(int fd);

class AddressRange {
 public:
  // `10.0.0.0/8` or `2001:db8::/32`; bits behind the prefix are ignored. A single address is a
  // range, too.
  [[nodiscard]] static std::optional<AddressRange> parse(std::string_view text);
  // IPv6 ranges contain no IPv4 address, not even `::/0`.
  [[nodiscard]] bool contains(const ClientAddress& address) const;

  friend bool operator==(const AddressRange&, const AddressRange&) = default;

 private:
  ClientAddress base_;
  std::uint8_t bits_ = 0;  // Length of the prefix, of 128.
};

}  // namespace bide
