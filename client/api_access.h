// client/api_access.h: The HTTP server of a command, and the credentials for it.
//
// Thread safety: pure functions; from_environment() reads the process's environment.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "client/arguments.h"
#include "client/server_url.h"
#include "server/settings/command_line.h"

namespace bide {

struct ApiAccess {
  ServerUrl server;
  std::string token;   // Empty: none.
  std::string cacert;  // PEM file of CA certificates. Empty: the system's store.
};

inline constexpr Setting kServerSetting{.name = "server",
                                        .placeholder = "URL",
                                        .default_text = kDefaultServer,
                                        .doc = "bide's HTTP address, or unix:PATH",
                                        .expected =
                                            "a URL such as http://127.0.0.1:8080, or a "
                                            "socket such as unix:/run/bide/bide.sock",
                                        .has_variable = true};
inline constexpr Setting kCacertSetting{
    .name = "cacert",
    .placeholder = "FILE",
    .doc = "CA certificates for the server (PEM), instead of the system's store",
    .expected = "a PEM file",
    .has_variable = true};

// `arguments`: of a command that has the two settings above. A file that cannot be read is a
// misuse. The token comes from BIDE_TOKEN. It has no flag, because every user of the machine can
// read the arguments of a process.
[[nodiscard]] std::variant<ApiAccess, Misuse> find_api_access(const Arguments& arguments);

// Warns on stderr if others can read the token on its way: over HTTP to another machine.
void warn_of_plain_token(std::string_view command, const ApiAccess& access);

// The value of an environment variable. nullopt: it is not set, or empty.
[[nodiscard]] std::optional<std::string> from_environment(const char* name);

}  // namespace bide
