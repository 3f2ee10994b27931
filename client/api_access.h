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
#include "server/settings/defaults.h"

namespace bide {

struct ApiAccess {
  ServerUrl server;
  std::string token;   // Empty: none.
  std::string cacert;  // PEM file: who signs the server's certificate. Empty: the system's store.
};

inline constexpr Setting kServerSetting{.name = "server",
                                        .placeholder = "URL",
                                        .default_text = kDefaultServer,
                                        .doc = "bide's HTTP address",
                                        .expected = "a URL such as http://127.0.0.1:8080",
                                        .has_variable = true};
inline constexpr Setting kCacertSetting{
    .name = "cacert",
    .placeholder = "FILE",
    .doc = "PEM: who signs its certificate, instead of the system's store",
    .expected = "a PEM file",
    .has_variable = true};

// `arguments`: of a command that has the settings above; a file that cannot be read is a misuse.
// The token is BIDE_TOKEN, which has no flag: everybody on the machine can read arguments.
[[nodiscard]] std::variant<ApiAccess, Misuse> find_api_access(const Arguments& arguments);

// Says on stderr that the token can be read on its way, if it can: by HTTP beyond this machine.
void warn_of_plain_token(std::string_view command, const ApiAccess& access);

// An environment variable that is set and not empty.
[[nodiscard]] std::optional<std::string> from_environment(const char* name);

}  // namespace bide
