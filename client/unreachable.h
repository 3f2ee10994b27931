// client/unreachable.h: Why no connection to a server could be made, for a person.
//
// Thread safety: pure function.
#pragma once

#include <cstdint>
#include <string>

namespace bide {

// To be called after connecting has failed. Looks the name up and tries again, because httplib only
// tells that it failed. Blocks for the resolver, and then for half a second at most. Empty: there
// is nothing to say, perhaps because the server can be reached by now.
[[nodiscard]] std::string why_unreachable(const std::string& host, std::uint16_t port);
// The same for a Unix socket. Blocks for 5 s at most.
[[nodiscard]] std::string why_unreachable(const std::string& socket_path);

}  // namespace bide
