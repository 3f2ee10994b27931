// core/base/host_port.h: `host`, `host:port`, `[address]` and `[address]:port`: the authority of
// RFC 3986 section 3.2 without user information.
//
// Thread safety: values and pure functions. Views point into the arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bide {

struct HostPort {
  std::string_view host;  // Without brackets; not empty. It has colons only if it was in brackets.
  bool bracketed = false;
  std::optional<std::string_view> port;  // What follows the colon, not checked; nullopt: no colon.
};

// Splits `text`, without checking the host's characters. nullopt: the host is empty, its bracket is
// not closed, or the bracket is followed by something other than a colon.
[[nodiscard]] std::optional<HostPort> split_host_port(std::string_view text);

// Decimal digits and nothing else, 0 to 65535.
[[nodiscard]] std::optional<std::uint16_t> parse_port(std::string_view digits);

// A name as DNS, /etc/hosts and people write it, or an IPv4 address: ASCII letters, digits, `-`,
// `_` and `.`, at least one.
[[nodiscard]] bool is_plain_host(std::string_view text);

// An IPv6 address, which may name a zone: `::1`, `fe80::1%eth0`.
[[nodiscard]] bool is_ipv6_with_zone(std::string_view text);

// In brackets if it has a colon, as URLs have it: `[::1]`.
[[nodiscard]] std::string host_in_url(std::string_view host);

// Whether a host never leaves this machine: a name, an IPv4 address, or an IPv6 address without
// brackets. False for names that only begin like an address, such as 127.evil.example.
[[nodiscard]] bool is_loopback_host(std::string_view host);

}  // namespace bide
