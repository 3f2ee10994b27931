// Reads the settings of the environment, and applies all sources in their order.
#include "server/settings/options.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/ascii.h"
#include "core/base/printable.h"
#include "core/base/similar_word.h"
#include "server/files/state_dir.h"
#include "server/settings/settings.h"

namespace bide {
namespace {

constexpr std::string_view kPrefix = "BIDE_";
constexpr std::string_view kConfigVariable = "BIDE_CONFIG";
constexpr std::array<std::string_view, 3> kClientVariables = {"BIDE_SERVER", "BIDE_TOKEN",
                                                              "BIDE_CACERT"};

// `BIDE_MAX_WAIT` -> `max-wait`. Empty if the variable is not in upper case.
std::string setting_name_of(std::string_view variable) {
  std::string name(variable.substr(kPrefix.size()));
  for (char& c : name) {
    if (c >= 'a' && c <= 'z') return {};
    c = c == '_' ? '-' : lower_case(c);
  }
  return name;
}

// For the text behind `_PORT_`: whether it is `<digits>_<protocol>`, perhaps followed by `_…`.
bool is_port_with_protocol(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0) return false;
  text.remove_prefix(digits);
  return text.starts_with("_TCP") || text.starts_with("_UDP") || text.starts_with("_SCTP");
}

// For a service or container named `bide` or `bide-…`, the kubelet and Docker's links set these
// variables in other containers: BIDE_SERVICE_HOST, BIDE_NATS_PORT=tcp://10.0.0.1:4222, and so on.
bool is_service_link(std::string_view variable, std::string_view value) {
  const std::size_t port = variable.find("_PORT_");
  return variable.ends_with("_SERVICE_HOST") || variable.ends_with("_SERVICE_PORT") ||
         variable.find("_SERVICE_PORT_") != std::string_view::npos ||
         (variable.ends_with("_PORT") && value.find("://") != std::string_view::npos) ||
         (port != std::string_view::npos && is_port_with_protocol(variable.substr(port + 6))) ||
         (variable.ends_with("_NAME") && value.starts_with('/')) ||
         variable.find("_ENV_") != std::string_view::npos;
}

std::vector<Assignment> read_environment(const Environment& environment) {
  std::vector<Assignment> assignments;
  for (auto it = environment.lower_bound(kPrefix);
       it != environment.end() && it->first.starts_with(kPrefix); ++it) {
    const auto& [variable, value] = *it;
    if (value.empty()) continue;
    const std::string name = setting_name_of(variable);
    if (const ServeSetting* const setting = find_serve_setting(name)) {
      assignments.push_back({setting, variable, value});
    }
  }
  return assignments;
}

const char* value_or_null(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? nullptr : found->second.c_str();
}

// The first address of those that other machines can reach. Null: there is none.
const ListenAddress* find_public(const std::vector<ListenAddress>& addresses) {
  const auto found = std::ranges::find_if_not(addresses, is_local);
  return found == addresses.end() ? nullptr : &*found;
}

std::optional<UsageError> check_listen(const ServeOptions& options) {
  // Client certificates already control who may read.
  const bool anonymous =
      options.auth.kind == AuthOptions::Kind::kNone && options.tls_client_ca.empty();
  const ListenAddress* const reachable = find_public(options.listen);
  if (anonymous && !options.allow_anonymous && reachable != nullptr) {
    return UsageError{
        "--listen " + text_of(*reachable) +
        ": with --auth none expected a loopback address such as 127.0.0.1:8080, or a Unix socket; "
        "--auth says who may read, --allow-anonymous lets everybody who can reach it"};
  }
  const auto unix = std::ranges::find_if(options.listen, &ListenAddress::is_unix);
  if (!options.tls_client_ca.empty() && options.auth.kind == AuthOptions::Kind::kNone &&
      unix != options.listen.end()) {
    return UsageError{"--listen " + text_of(*unix) +
                      ": expected --auth, too: there is no TLS on Unix sockets, so --tls-client-ca "
                      "does not say who may read there"};
  }
  return std::nullopt;
}

std::optional<UsageError> check_together(const ServeOptions& options) {
  const AuthOptions& auth = options.auth;
  if (auto error = check_listen(options)) return error;
  const bool has_keys = !auth.jwt_secret_file.empty() || !auth.jwt_key.empty();
  if (auth.kind == AuthOptions::Kind::kJwt && !has_keys) {
    return UsageError{"--auth jwt: expected --jwt-key or --jwt-secret-file with it"};
  }
  const bool has_claims = !auth.jwt_issuer.empty() || !auth.jwt_audience.empty();
  if (auth.kind != AuthOptions::Kind::kJwt && (has_keys || has_claims)) {
    return UsageError{"--jwt-...: expected --auth jwt with it; without that, no token is checked"};
  }
  if (auto problem = find_contradiction(options.nats_credentials, options.nats_url)) {
    return UsageError{*std::move(problem)};
  }
  const bool clustered = !options.cluster_peers.empty();
  if (options.bucket_replicas != 1 && !options.create_bucket && !clustered) {
    return UsageError{"--bucket-replicas: expected --create-bucket with it"};
  }
  const bool embedded = options.nats_url.empty() && options.nats_credentials.context.empty();
  if (options.bucket_replicas != 1 && embedded && !clustered) {
    return UsageError{"--bucket-replicas: expected --nats with it; bide's own nats-server is one"};
  }
  if (clustered && !embedded) {
    return UsageError{"--cluster-peers: it is for bide's own nats-server; expected no --nats"};
  }
  if (clustered == options.cluster_secret_file.empty()) {
    return UsageError{"--cluster-peers and --cluster-secret-file: expected both or none"};
  }
  if (embedded && options.data_dir.empty()) {
    return UsageError{"--data-dir: expected a directory, as HOME and XDG_STATE_HOME are not set"};
  }
  if (options.tls_cert.empty() != options.tls_key.empty()) {
    return options.tls_key.empty()
               ? UsageError{"--tls-cert: expected --tls-key, too, with the certificate's key"}
               : UsageError{"--tls-key: expected --tls-cert, too, with the key's certificate"};
  }
  if (!options.tls_client_ca.empty() && options.tls_cert.empty()) {
    return UsageError{
        "--tls-client-ca: expected --tls-cert and --tls-key, too; without them there is no TLS"};
  }
  if (!options.tls_client_crl.empty() && options.tls_client_ca.empty()) {
    return UsageError{
        "--tls-client-crl: expected --tls-client-ca, too; without it clients need no certificate"};
  }
  return std::nullopt;
}

// Warns of combinations that are allowed, but rarely intended.
void warn_of_risks(ServeOptions& options) {
  const AuthOptions& auth = options.auth;
  if (auth.kind == AuthOptions::Kind::kJwt && auth.jwt_audience.empty()) {
    options.warnings.push_back(
        "--auth jwt without --jwt-audience: a token that was made for another service is accepted, "
        "too");
  }
  if (auth.kind != AuthOptions::Kind::kNone && options.tls_cert.empty() &&
      find_public(options.listen) != nullptr) {
    options.warnings.push_back(
        "--auth without --tls-cert beyond this machine: tokens travel in plain text unless a proxy "
        "in front speaks TLS");
  }
}

}  // namespace

std::vector<std::string> complaints_about_variables(const Environment& environment) {
  std::vector<std::string> known(kClientVariables.begin(), kClientVariables.end());
  known.emplace_back(kConfigVariable);
  for (const ServeSetting& setting : serve_settings()) known.push_back(variable_of(setting));
  std::vector<std::string_view> words;
  words.reserve(known.size());
  for (const std::string_view one : known) words.push_back(one.substr(kPrefix.size()));
  std::vector<std::string> complaints;
  for (auto it = environment.lower_bound(kPrefix);
       it != environment.end() && it->first.starts_with(kPrefix); ++it) {
    const auto& [variable, value] = *it;
    if (value.empty() || is_service_link(variable, value)) continue;
    if (std::ranges::find(known, variable) != known.end()) continue;
    const std::string_view similar =
        similar_word(std::string_view(variable).substr(kPrefix.size()), words);
    std::string complaint = variable + ": no such setting; ";
    if (!similar.empty())
      complaint.append("did you mean ").append(kPrefix).append(similar).append("? ");
    complaints.push_back(complaint + "it is ignored");
  }
  return complaints;
}

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

namespace {

const std::vector<Assignment>& defaults() {
  static const std::vector<Assignment> all = [] {
    std::vector<Assignment> found;
    for (const ServeSetting& setting : serve_settings()) {
      if (setting.default_text.empty()) continue;
      found.push_back(
          {&setting, "default of " + std::string(setting.name), std::string(setting.default_text)});
    }
    return found;
  }();
  return all;
}

// What was given several times for a setting that repeats becomes one list, at its first place.
void join_repeated(std::vector<Assignment>& assignments) {
  for (auto first = assignments.begin(); first != assignments.end(); ++first) {
    if (!first->setting->repeats) continue;
    const auto rest = std::remove_if(first + 1, assignments.end(), [&](const Assignment& one) {
      if (one.setting != first->setting) return false;
      first->text.append(",").append(one.text);
      return true;
    });
    assignments.erase(rest, assignments.end());
  }
}

// The last --config; all are removed from the line. Empty: there is none.
std::string take_config(std::vector<Assignment>& line) {
  std::string config;
  std::erase_if(line, [&](Assignment& assignment) {
    const bool is_config = assignment.setting == &kConfigSetting;
    if (is_config) config = std::move(assignment.text);
    return is_config;
  });
  return config;
}

std::variant<ServeOptions, UsageError> parse_sources(std::span<const std::string> args,
                                                     const Environment& environment,
                                                     std::vector<ListenAddress> passed) {
  auto from_args = read_command_line(args, serve_command());
  if (auto* error = std::get_if<UsageError>(&from_args)) return std::move(*error);
  std::vector<Assignment> from_line = std::get<CommandLine>(std::move(from_args)).assignments;
  join_repeated(from_line);

  ServeOptions options;
  const std::vector<Assignment> from_environment = read_environment(environment);
  options.warnings = complaints_about_variables(environment);

  std::string config = take_config(from_line);
  if (const char* variable = value_or_null(environment, kConfigVariable);
      config.empty() && variable != nullptr) {
    config = variable;
  }
  std::vector<Assignment> from_file;
  if (!config.empty()) {
    auto read = read_toml_settings(config);
    if (auto* error = std::get_if<UsageError>(&read)) return std::move(*error);
    from_file = std::get<std::vector<Assignment>>(std::move(read));
  }

  options.data_dir = state_dir_of(value_or_null(environment, "XDG_STATE_HOME"),
                                  value_or_null(environment, "HOME"));
  // The weakest source first. A wrong value is an error even if a stronger source replaces it.
  for (const auto* source :
       {&defaults(), &std::as_const(from_file), &from_environment, &std::as_const(from_line)}) {
    if (auto error = apply_assignments(*source, options)) return *std::move(error);
  }
  if (!options.nats_credentials.context.empty()) {
    options.nats_credentials.config_dir = nats_config_dir_of(
        value_or_null(environment, "XDG_CONFIG_HOME"), value_or_null(environment, "HOME"));
  }
  if (!passed.empty()) options.listen = std::move(passed);
  if (auto error = check_together(options)) return *std::move(error);
  warn_of_risks(options);
  return options;
}

}  // namespace

std::variant<ServeOptions, UsageError> parse_serve_options(std::span<const std::string> args,
                                                           const Environment& environment,
                                                           std::vector<ListenAddress> passed) {
  auto parsed = parse_sources(args, environment, std::move(passed));
  auto* const error = std::get_if<UsageError>(&parsed);
  // Names and quoted parts of a file may contain line ends or control characters.
  if (error != nullptr && error->exit_code != 0) error->message = printable(error->message, "?");
  return parsed;
}

}  // namespace bide
