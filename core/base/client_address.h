// core/base/client_address.h: The address of a client, and ranges of such.
//
// An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2), which a socket that listens on [::] shows
// for each client that came by IPv4, is that IPv4 address in every respect.
//
// Thread safety: values and pure functions, but for of_peer() and peer_name(): one system call,
// which does not block.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bide {

class ClientAddress {
 public:
  // Nobody's: `::`.
  ClientAddress() = default;
  // Of the other end of a connected socket; nobody's if that is gone.
  [[nodiscard]] static ClientAddress of_peer(int fd);
  // `192.0.2.1`, `2001:db8::1` or `::ffff:192.0.2.1`, without brackets, port or zone.
  [[nodiscard]] static std::optional<ClientAddress> parse(std::string_view text);

  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] bool is_loopback() const;     // `127.0.0.0/8` or `::1`.
  [[nodiscard]] bool is_unspecified() const;  // `0.0.0.0` or `::`: listening there is everywhere.
  // As IPv6 has it on the wire, an IPv4 address in its mapped form.
  [[nodiscard]] const std::array<unsigned char, 16>& bytes() const { return bytes_; }
  // A number that limits per client count by: all of an IPv4 address, of an IPv6 address the /64
  // that one customer has at least (RFC 6177). Another one in each process. Never 0.
  [[nodiscard]] std::uint64_t client() const;

  friend bool operator==(const ClientAddress&, const ClientAddress&) = default;

 private:
  friend class AddressRange;
  std::array<unsigned char, 16> bytes_{};
};

// `::1`, `::ffff:192.0.2.1`; no brackets, port or zone, and no IPv4 address.
[[nodiscard]] bool is_ipv6(std::string_view text);

// `127.0.0.1:40000`, `[::1]:40000`; empty: it is gone.
[[nodiscard]] std::string peer_name(int fd);

class AddressRange {
 public:
  // `10.0.0.0/8` or `2001:db8::/32`, bits behind the prefix are not looked at; or an address, which
  // is a range of one.
  [[nodiscard]] static std::optional<AddressRange> parse(std::string_view text);
  // An IPv4 address is in IPv4 ranges only, also where one says `::/0`.
  [[nodiscard]] bool contains(const ClientAddress& address) const;

  friend bool operator==(const AddressRange&, const AddressRange&) = default;

 private:
  ClientAddress base_;
  std::uint8_t bits_ = 0;  // Of the 128.
};

}  // namespace bide
