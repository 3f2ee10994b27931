// server/settings/defaults.h: The default address on which `bide serve` listens, and where the
// client's commands expect it.
#pragma once

#include <string_view>

namespace bide {

inline constexpr std::string_view kDefaultServer = "http://127.0.0.1:8080";
inline constexpr std::string_view kDefaultListen = kDefaultServer.substr(7);

}  // namespace bide
