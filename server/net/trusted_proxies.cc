#include "server/net/trusted_proxies.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "core/base/host_port.h"
#include "server/http/field_syntax.h"

namespace bide {
namespace {

// `192.0.2.1`, `192.0.2.1:5678`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:5678`.
std::optional<ClientAddress> address_in(std::string_view node) {
  if (const auto address = ClientAddress::parse(node)) return address;
  const std::optional<HostPort> parts = split_host_port(node);
  if (!parts || (parts->port && !parse_port(*parts->port))) return std::nullopt;
  if (parts->bracketed && !is_ipv6(parts->host)) return std::nullopt;
  return ClientAddress::parse(parts->host);
}

}  // namespace

bool TrustedProxies::trusts(const ClientAddress& address) const {
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [&](const AddressRange& range) { return range.contains(address); });
}

ClientAddress TrustedProxies::client_of(const ClientAddress& proxy,
                                        const http::Headers& fields) const {
  constexpr std::string_view kForwardedFor = "X-Forwarded-For";
  ClientAddress client = proxy;
  const auto [first, last] = field_lines(fields, kForwardedFor);
  for (auto field = last; field != first;) {
    std::string_view rest = (--field)->second;
    while (!rest.empty()) {
      const std::size_t comma = rest.rfind(',');
      const bool more = comma != std::string_view::npos;
      const std::string_view node = trim_ows(more ? rest.substr(comma + 1) : rest);
      rest = more ? rest.substr(0, comma) : std::string_view();
      if (node.empty()) continue;  // RFC 9110 section 5.6.1.2.
      const std::optional<ClientAddress> address = address_in(node);
      if (!address) return client;
      client = *address;
      if (!trusts(client)) return client;
    }
  }
  return client;
}

}  // namespace bide
