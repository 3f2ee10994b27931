#include "server/http/served_hosts.h"

#include <algorithm>

#include "core/base/ascii.h"
#include "core/base/client_address.h"
#include "core/base/host_port.h"

namespace bide {
namespace {

constexpr std::size_t kNameBytesMax = 253;  // Of DNS.

bool is_loopback_name(std::string_view name) {
  return name == "localhost" || name.ends_with(".localhost");  // RFC 6761 section 6.3.
}

// One spelling for each host: addresses as the system prints them, names in lower case and without
// the dot that may end them.
std::string canonical(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  host = host.substr(0, host.find('%'));  // The zone of --listen; no Host has one (RFC 9110).
  if (const auto address = ClientAddress::parse(host)) return address->text();
  if (host.ends_with('.')) host.remove_suffix(1);
  return lower_case(host);
}

}  // namespace

ServedHosts::ServedHosts(const std::vector<ListenAddress>& listen,
                         const std::vector<std::string>& allowed) {
  for (const ListenAddress& one : listen) {
    if (one.is_unix()) continue;
    const std::string& host = hosts_.emplace_back(canonical(one.host));
    const auto address = ClientAddress::parse(host);
    all_addresses_ =
        all_addresses_ || (address ? address->is_unspecified() : !is_loopback_name(host));
  }
  for (const std::string& host : allowed) hosts_.push_back(canonical(host));
}

bool ServedHosts::serves(std::optional<std::string_view> host) const {
  if (!host) return true;
  const std::optional<HostPort> parts = split_host_port(*host);
  if (!parts) return false;
  const std::string_view name = parts->host;
  if (name == "127.0.0.1" || name == "localhost") return true;  // Nearly all there is.
  if (name.find('%') != std::string_view::npos) return false;
  if (const auto address = ClientAddress::parse(name)) {
    if (all_addresses_ || address->is_loopback()) return true;
  } else if (parts->bracketed) {
    return false;  // An address of a version to come: RFC 3986 section 3.2.2.
  }
  const std::string asked = canonical(name);
  return is_loopback_name(asked) || std::find(hosts_.begin(), hosts_.end(), asked) != hosts_.end();
}

bool is_host_name(std::string_view text) {
  if (ClientAddress::parse(text)) return true;
  const std::optional<HostPort> parts = split_host_port(text);
  if (!parts || parts->port) return false;
  if (parts->bracketed) return is_ipv6(parts->host);
  return text.size() <= kNameBytesMax && is_plain_host(text);
}

}  // namespace bide
