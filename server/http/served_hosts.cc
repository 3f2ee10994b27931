#include "server/http/served_hosts.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace bide {
namespace {

constexpr std::size_t kNameBytesMax = 253;  // Of DNS.

using Address = std::array<unsigned char, 16>;

// An IPv4 address becomes the IPv6 address that stands for it (RFC 4291 section 2.5.5.2). nullopt:
// no address.
std::optional<Address> parse_address(std::string_view text) {
  if (text.size() > INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return {};
  const std::string copy(text);
  Address address{};
  if (::inet_pton(AF_INET6, copy.c_str(), address.data()) == 1) return address;
  std::array<unsigned char, 4> v4{};
  if (::inet_pton(AF_INET, copy.c_str(), v4.data()) != 1) return std::nullopt;
  address[10] = address[11] = 0xFF;
  std::memcpy(&address[12], v4.data(), v4.size());
  return address;
}

bool is_v4(const Address& address) {
  constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  return std::equal(kMapped.begin(), kMapped.end(), address.begin());
}

bool is_loopback(const Address& address) {
  constexpr Address kLoopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return address == kLoopback || (is_v4(address) && address[12] == 127);
}

bool is_wildcard(const Address& address) {
  return std::all_of(address.begin() + 12, address.end(), [](auto byte) { return byte == 0; }) &&
         (is_v4(address) ||
          std::all_of(address.begin(), address.begin() + 12, [](auto byte) { return byte == 0; }));
}

bool is_loopback_name(std::string_view name) {
  return name == "localhost" || name.ends_with(".localhost");  // RFC 6761 section 6.3.
}

// One spelling for each host: addresses as the system prints them, names in lower case and without
// the dot that may end them.
std::string canonical(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  host = host.substr(0, host.find('%'));  // The zone of --listen; no Host has one (RFC 9110).
  if (const auto address = parse_address(host)) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET6, address->data(), text.data(), text.size());
    return text.data();
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string name(host);
  std::transform(name.begin(), name.end(), name.begin(), [](char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
  });
  return name;
}

std::string_view without_port(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

}  // namespace

ServedHosts::ServedHosts(std::string_view listen, const std::vector<std::string>& allowed) {
  hosts_.push_back(canonical(listen));
  for (const std::string& host : allowed) hosts_.push_back(canonical(host));
  const auto address = parse_address(hosts_.front());
  all_addresses_ = address ? is_wildcard(*address) : !is_loopback_name(hosts_.front());
}

bool ServedHosts::serves(std::optional<std::string_view> host) const {
  if (!host) return true;
  const std::string_view name = without_port(*host);
  if (name == "127.0.0.1" || name == "localhost") return true;  // Nearly all there is.
  if (name.empty() || name.find('%') != std::string_view::npos) return false;
  const std::string asked = canonical(name);
  if (const auto address = parse_address(asked)) {
    if (all_addresses_ || is_loopback(*address)) return true;
  } else if (name.starts_with('[')) {
    return false;  // An address of a version to come: RFC 3986 section 3.2.2.
  } else if (is_loopback_name(asked)) {
    return true;
  }
  return std::find(hosts_.begin(), hosts_.end(), asked) != hosts_.end();
}

bool is_host_name(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (parse_address(text)) return true;
  return !text.empty() && text.size() <= kNameBytesMax &&
         std::all_of(text.begin(), text.end(), [](char byte) {
           return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                  (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.';
         });
}

}  // namespace bide
