// client/api_access.h: Which server to ask, and as whom.
//
// Thread safety: pure functions; from_environment() reads the process's environment.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "client/arguments.h"
#include "client/server_url.h"

namespace bide {

struct ApiAccess {
  ServerUrl server;
  std::string token;   // Empty: none.
  std::string cacert;  // PEM file: who signs the server's certificate. Empty: the system's store.
};

inline constexpr OptionSpec kServerOption{"--server", "", true};
inline constexpr OptionSpec kCacertOption{"--cacert", "", true};

// --server > BIDE_SERVER > http://127.0.0.1:8080, and BIDE_TOKEN, which has no option: an argument
// can be read by everybody on the machine. --cacert > BIDE_CACERT; a file that cannot be read is a
// misuse.
[[nodiscard]] std::variant<ApiAccess, Misuse> find_api_access(const Arguments& arguments);

// Says on stderr that the token can be read on its way, if it can: by HTTP beyond this machine.
void warn_of_plain_token(std::string_view command, const ApiAccess& access);

// An environment variable that is set and not empty.
[[nodiscard]] std::optional<std::string> from_environment(const char* name);

}  // namespace bide
