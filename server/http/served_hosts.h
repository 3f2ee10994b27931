// server/http/served_hosts.h: The values of Host that are answered if no token is needed.
//
// This stops DNS rebinding. If evil.example is rebound to 127.0.0.1, a browser takes a bide there
// for a part of evil.example, and lets its pages read everything. But its requests still carry the
// name in Host. Ports do not matter. An address cannot be rebound, so if bide listens on all
// addresses (or on a name, which may have several) every address is answered. A browser cannot
// connect to a Unix socket; its clients have the same names to choose from.
//
// Thread safety: immutable; all methods may be called from any thread and never block.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/listen_address.h"

namespace bide {

class ServedHosts {
 public:
  // `allowed`: in the grammar of is_host_name(), an IPv6 address with or without brackets.
  ServedHosts(const std::vector<ListenAddress>& listen, const std::vector<std::string>& allowed);

  // `host`: in the grammar of RFC 9110 section 7.2; an empty one is not answered. nullopt: there is
  // no Host, which HTTP/1.0 allows and no browser does; it is answered.
  [[nodiscard]] bool serves(std::optional<std::string_view> host) const;

 private:
  bool all_addresses_ = false;
  std::vector<std::string> hosts_;  // As canonical() writes them.
};

// A name of letters, digits, `-`, `_` and `.`, or an IP address.
[[nodiscard]] bool is_host_name(std::string_view text);

}  // namespace bide
