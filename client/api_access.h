// client/api_access.h: Which server to ask, and as whom.
//
// Thread safety: pure functions; from_environment() reads the process's environment.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "client/arguments.h"
#include "client/server_url.h"

namespace bide {

struct ApiAccess {
  ServerUrl server;
  std::string token;  // Empty: none.
};

inline constexpr OptionSpec kServerOption{"--server", "", true};

// --server > BIDE_SERVER > http://127.0.0.1:8080, and BIDE_TOKEN, which has no option: an argument
// can be read by everybody on the machine.
[[nodiscard]] std::variant<ApiAccess, Misuse> find_api_access(const Arguments& arguments);

// An environment variable that is set and not empty.
[[nodiscard]] std::optional<std::string> from_environment(const char* name);

}  // namespace bide
