// server/settings/defaults.h: Where `bide serve` listens, and the client's commands look for it,
// unless they are told.
#pragma once

#include <string_view>

namespace bide {

inline constexpr std::string_view kDefaultServer = "http://127.0.0.1:8080";
inline constexpr std::string_view kDefaultListen = kDefaultServer.substr(7);

}  // namespace bide
