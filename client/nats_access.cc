#include "client/nats_access.h"

#include <cstdlib>

#include "client/api_access.h"
#include "client/nats_server.h"
#include "server/nats/login/nats_url.h"

namespace bide {
namespace {

// `--nats-creds` -> `BIDE_NATS_CREDS`.
std::string variable_of(std::string_view flag) {
  std::string variable = "BIDE";
  for (const char c : flag.substr(1)) {
    variable += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return variable;
}

std::variant<NatsCredentials, NoNatsAccess> credentials_of(const Arguments& arguments) {
  NatsCredentials credentials;
  for (const NatsSetting& setting : nats_settings()) {
    std::string where(setting.flag);
    auto value = arguments.find(setting.flag);
    if (!value) {
      where = variable_of(setting.flag);
      value = from_environment(where.c_str());
    }
    if (value && !setting.set(credentials, *value)) {
      return NoNatsAccess{ExitCode::kUsage, where + ": expected " + std::string(setting.expected)};
    }
  }
  if (!credentials.context.empty()) {
    credentials.config_dir =
        nats_config_dir_of(std::getenv("XDG_CONFIG_HOME"), std::getenv("HOME"));
  }
  return credentials;
}

}  // namespace

std::vector<OptionSpec> nats_options() {
  std::vector<OptionSpec> specs = {{"--nats", "", true}};
  for (const NatsSetting& setting : nats_settings()) specs.push_back({setting.flag, "", true});
  return specs;
}

std::variant<NatsLogin, NoNatsAccess> find_nats_access(const Arguments& arguments) {
  auto credentials = credentials_of(arguments);
  if (auto* error = std::get_if<NoNatsAccess>(&credentials)) return std::move(*error);
  const auto& given = std::get<NatsCredentials>(credentials);

  const std::string flag = arguments.find("--nats").value_or("");
  std::string urls = !flag.empty() ? flag : from_environment("BIDE_NATS").value_or("");
  if (auto problem = find_contradiction(given, urls)) {
    return NoNatsAccess{ExitCode::kUsage, *std::move(problem)};
  }
  if (urls.empty() && given.context.empty()) {
    auto server = find_nats_server(flag);
    if (auto* error = std::get_if<Misuse>(&server)) {
      return NoNatsAccess{ExitCode::kBideFailed, std::move(error->message)};
    }
    urls = std::get<std::string>(std::move(server));
  }
  if (!urls.empty() && !is_nats_url_list(urls)) {
    return NoNatsAccess{
        ExitCode::kUsage,
        (has_bad_escape(urls) ? "in a NATS URL % is written %25, and as %40 the character @: "
                              : "not a NATS URL such as nats://127.0.0.1:4222: ") +
            redacted(urls)};
  }
  auto login = read_nats_login(urls, given);
  if (auto* fault = std::get_if<std::string>(&login)) {
    return NoNatsAccess{ExitCode::kBideFailed, std::move(*fault)};
  }
  return std::get<NatsLogin>(std::move(login));
}

}  // namespace bide
