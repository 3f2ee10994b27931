// core/base/loopback.h: Names and addresses that never leave this machine.
//
// Thread safety: pure function.
#pragma once

#include <string_view>

namespace bide {

// `host`: a name, an IPv4 address, or an IPv6 address without brackets. False for names that only
// begin like an address, such as 127.evil.example.
[[nodiscard]] bool is_loopback_host(std::string_view host);

}  // namespace bide
