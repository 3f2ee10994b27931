// server/http/served_hosts.h: Which Hosts are answered where nobody has to show a token.
//
// A page of evil.example whose name is rebound to 127.0.0.1 is of the same origin as a bide there
// for its browser, which lets it read everything. What gives it away is its Host: the name stays.
// Ports do not matter. An address cannot be rebound, so where bide listens on all addresses (or on
// a name, which may have several) every address is answered.
//
// Thread safety: immutable; all methods may be called from any thread and never block.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bide {

class ServedHosts {
 public:
  // `listen`: what --listen says, without port and brackets. `allowed`: in the grammar of
  // is_host_name(), an IPv6 address with or without brackets.
  ServedHosts(std::string_view listen, const std::vector<std::string>& allowed);

  // `host`: in the grammar of RFC 9110 section 7.2. nullopt: none was sent, as HTTP/1.0 may do and
  // no browser does: answered. An empty one is not.
  [[nodiscard]] bool serves(std::optional<std::string_view> host) const;

 private:
  bool all_addresses_ = false;
  std::vector<std::string> hosts_;  // As canonical() writes them.
};

// A name of letters, digits, `-`, `_` and `.`, or an IP address.
[[nodiscard]] bool is_host_name(std::string_view text);

}  // namespace bide
