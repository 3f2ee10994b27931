#include "client/nats_access.h"

#include <cstdlib>
#include <filesystem>

#include "client/api_access.h"
#include "server/files/state_dir.h"
#include "server/nats/login/nats_url.h"
#include "server/settings/settings.h"

namespace bide {
namespace {

std::variant<NatsCredentials, NoNatsAccess> credentials_of(const Arguments& arguments) {
  NatsCredentials credentials;
  for (const NatsSetting& setting : nats_settings()) {
    const Assignment* const given = arguments.find(setting.flag.substr(2));
    if (given != nullptr && !setting.set(credentials, given->text)) {
      return NoNatsAccess{ExitCode::kUsage, arguments.unexpected(setting.flag.substr(2)).message};
    }
  }
  if (!credentials.context.empty()) {
    credentials.config_dir =
        nats_config_dir_of(std::getenv("XDG_CONFIG_HOME"), std::getenv("HOME"));
  }
  return credentials;
}

}  // namespace

std::variant<std::string, Misuse> find_nats_server() {
  const auto data_dir = from_environment("BIDE_DATA_DIR");
  const std::filesystem::path dir =
      data_dir ? std::filesystem::path(*data_dir) : default_state_dir();
  if (dir.empty()) return Misuse{"no NATS server is known: give --nats or set BIDE_NATS"};
  auto url = read_nats_url(dir);
  if (auto* found = std::get_if<std::string>(&url)) return std::move(*found);
  return Misuse{"no NATS server is known: start `bide serve`, or give --nats or set BIDE_NATS (" +
                std::get<PrivateDir::Fault>(url).text + ")"};
}

std::span<const Setting> nats_flags() {
  static const std::vector<Setting> all = [] {
    std::vector<Setting> found = {
        {.name = "nats",
         .placeholder = "URL",
         .doc = "the NATS server; without it the one that `bide serve` started on this machine, "
                "found by its file in BIDE_DATA_DIR or the state folder",
         .expected = "a NATS URL such as nats://127.0.0.1:4222"}};
    for (const NatsSetting& shared : nats_settings()) found.push_back(setting_of(shared));
    found.push_back({.name = "bucket",
                     .placeholder = "NAME",
                     .default_text = kDefaultBucket,
                     .doc = "the key-value bucket, over NATS",
                     .expected = "a bucket name of letters, digits, _ and -"});
    for (Setting& setting : found) setting.has_variable = true;
    return found;
  }();
  return all;
}

std::string_view about_writing() {
  return R"(It writes to a bide server over HTTP, or to the bucket over NATS. The first that is given
decides: a flag, BIDE_SERVER, BIDE_NATS or BIDE_NATS_CONTEXT. Otherwise it is NATS if `bide serve`
has started a nats-server on this machine, and else HTTP at the default address.

BIDE_TOKEN holds the bearer token, if the server wants one.)";
}

std::variant<NatsLogin, NoNatsAccess> find_nats_access(const Arguments& arguments) {
  auto credentials = credentials_of(arguments);
  if (auto* error = std::get_if<NoNatsAccess>(&credentials)) return std::move(*error);
  const auto& given = std::get<NatsCredentials>(credentials);

  std::string urls = arguments.value("nats");
  if (auto problem = find_contradiction(given, urls)) {
    return NoNatsAccess{ExitCode::kUsage, *std::move(problem)};
  }
  if (urls.empty() && given.context.empty()) {
    auto server = find_nats_server();
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
