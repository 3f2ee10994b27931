#include "client/api_access.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace bide {

std::optional<std::string> from_environment(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::variant<ApiAccess, Misuse> find_api_access(const Arguments& arguments) {
  ApiAccess access;
  auto server = parse_server_url(arguments.value("server"));
  if (const auto* error = std::get_if<Misuse>(&server)) {
    return Misuse{arguments.find("server")->where + ": " + error->message};
  }
  access.server = std::move(std::get<ServerUrl>(server));
  access.token = from_environment("BIDE_TOKEN").value_or("");
  if (!is_safe_token(access.token)) {
    return Misuse{"BIDE_TOKEN: blanks, control and non-ASCII characters cannot be sent"};
  }
  access.cacert = arguments.value("cacert");
  if (!access.cacert.empty() && ::access(access.cacert.c_str(), R_OK) != 0) {
    return Misuse{"--cacert " + access.cacert + ": cannot be read: " + std::strerror(errno)};
  }
  return access;
}

void warn_of_plain_token(std::string_view command, const ApiAccess& access) {
  if (access.token.empty() || !is_plain_text(access.server)) return;
  std::cerr << std::string(command) + ": warning: BIDE_TOKEN goes to " + text_of(access.server) +
                   " in plain text; use https://\n";
}

}  // namespace bide
