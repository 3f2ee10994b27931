#include "server/net/trusted_proxies.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "server/http/field_syntax.h"

namespace bide {
namespace {

bool is_port(std::string_view text) {
  return text.size() > 1 && text.size() <= 6 && text.front() == ':' &&
         text.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

// `192.0.2.1`, `192.0.2.1:5678`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:5678`.
std::optional<ClientAddress> address_in(std::string_view node) {
  if (node.starts_with('[')) {
    const std::size_t end = node.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = node.substr(end + 1);
    if (!rest.empty() && !is_port(rest)) return std::nullopt;
    const std::string_view inside = node.substr(1, end - 1);
    if (inside.find(':') == std::string_view::npos) return std::nullopt;
    return ClientAddress::parse(inside);
  }
  const std::size_t colon = node.find(':');
  const bool has_port = colon != std::string_view::npos && colon == node.rfind(':');
  if (has_port && !is_port(node.substr(colon))) return std::nullopt;
  return ClientAddress::parse(has_port ? node.substr(0, colon) : node);
}

}  // namespace

bool TrustedProxies::trusts(const ClientAddress& address) const {
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [&](const AddressRange& range) { return range.contains(address); });
}

ClientAddress TrustedProxies::client_of(const ClientAddress& proxy,
                                        const httplib::Headers& fields) const {
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
