#include "server/nats/login/nats_credentials.h"

#include <algorithm>
#include <array>
#include <vector>

#include "server/nats/login/nats_url.h"

namespace bide {
namespace {

// `to`: a string or a path.
bool set_text(auto& to, std::string_view text) {
  if (text.empty() || text.find('\0') != std::string_view::npos) return false;
  to = text;
  return true;
}

// The rule of the nats command line: a name must not lead out of its folder.
bool set_context(std::string& to, std::string_view text) {
  if (text.find("..") != std::string_view::npos || text.find('/') != std::string_view::npos) {
    return false;
  }
  return set_text(to, text);
}

// A subject without wildcards, to which more tokens are added.
bool set_prefix(std::string& to, std::string_view text) {
  const bool whole =
      !text.starts_with('.') && !text.ends_with('.') && text.find("..") == std::string_view::npos;
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c != 127; });
  if (!whole || !plain || text.find_first_of("*>") != std::string_view::npos) return false;
  return set_text(to, text);
}

// One token of a subject.
bool set_domain(std::string& to, std::string_view text) {
  return text.find('.') == std::string_view::npos && set_prefix(to, text);
}

using Credentials = NatsCredentials;
using Text = std::string_view;

constexpr std::array<NatsSetting, 12> kSettings = {{
    {"--nats-user", "NAME", "user at NATS; needs --nats-password-file", "a user's name",
     [](Credentials& c, Text t) { return set_text(c.user, t); }},
    {"--nats-password-file", "FILE", "file with the user's password, one line", "a file",
     [](Credentials& c, Text t) { return set_text(c.password_file, t); }},
    {"--nats-token-file", "FILE", "file with a token for NATS, one line", "a file",
     [](Credentials& c, Text t) { return set_text(c.token_file, t); }},
    {"--nats-nkey", "FILE", "file with the seed (SU...) of a user's nkey", "a file",
     [](Credentials& c, Text t) { return set_text(c.nkey_file, t); }},
    {"--nats-creds", "FILE", "credentials file: a user's JWT and seed", "a file",
     [](Credentials& c, Text t) { return set_text(c.creds_file, t); }},
    {"--nats-ca", "FILE", "CA certificates for the server, PEM", "a file",
     [](Credentials& c, Text t) { return set_text(c.ca_file, t); }},
    {"--nats-cert", "FILE", "certificate to show the server, PEM; needs --nats-key", "a file",
     [](Credentials& c, Text t) { return set_text(c.cert_file, t); }},
    {"--nats-key", "FILE", "private key of that certificate, PEM", "a file",
     [](Credentials& c, Text t) { return set_text(c.key_file, t); }},
    {"--nats-context", "NAME",
     "context of the nats command line, or `selected`; flags beat its entries",
     "a context's name, as `nats context ls` shows it",
     [](Credentials& c, Text t) { return set_context(c.context, t); }},
    {"--nats-inbox-prefix", "SUBJECT", "prefix of the subjects for answers (default: _INBOX)",
     "a subject such as _INBOX_ci, without wildcards",
     [](Credentials& c, Text t) { return set_prefix(c.inbox_prefix, t); }},
    {"--nats-domain", "NAME", "JetStream domain of the bucket, if it is not that of the server",
     "a domain's name, such as hub, without spaces, dots and wildcards",
     [](Credentials& c, Text t) { return set_domain(c.domain, t); }},
    {"--nats-js-prefix", "SUBJECT", "prefix of requests to JetStream (default: $JS.API)",
     "a subject such as $JS.hub.API or js.from.hub, without wildcards",
     [](Credentials& c, Text t) { return set_prefix(c.js_prefix, t); }},
}};

std::optional<std::string> find_half_pair(const NatsCredentials& given) {
  const auto needs = [](const char* flag, const char* other) {
    return std::string(flag) + " needs " + other;
  };
  if (!given.user.empty() && given.password_file.empty()) {
    return needs("--nats-user", "--nats-password-file");
  }
  if (given.user.empty() && !given.password_file.empty()) {
    return needs("--nats-password-file", "--nats-user");
  }
  if (!given.cert_file.empty() && given.key_file.empty()) return needs("--nats-cert", "--nats-key");
  if (given.cert_file.empty() && !given.key_file.empty()) return needs("--nats-key", "--nats-cert");
  return std::nullopt;
}

}  // namespace

std::span<const NatsSetting, 12> nats_settings() { return kSettings; }

std::optional<std::string> find_contradiction(const NatsCredentials& credentials,
                                              std::string_view urls) {
  std::vector<std::string_view> who;
  if (!credentials.user.empty()) who.emplace_back("--nats-user");
  if (!credentials.token_file.empty()) who.emplace_back("--nats-token-file");
  if (!credentials.nkey_file.empty()) who.emplace_back("--nats-nkey");
  if (!credentials.creds_file.empty()) who.emplace_back("--nats-creds");
  if (names_user(urls)) who.emplace_back("the user or token in --nats");
  if (who.size() > 1) {
    return std::string(who[0]) + " and " + std::string(who[1]) +
           " exclude each other: give one of them";
  }
  if (!credentials.domain.empty() && !credentials.js_prefix.empty()) {
    return "--nats-domain and --nats-js-prefix exclude each other: give one of them";
  }
  if (auto half = find_half_pair(credentials)) return half;
  if (urls.empty() && credentials.context.empty() && credentials != NatsCredentials{}) {
    return "the --nats-... flags need --nats or --nats-context: bide's own nats-server has a token "
           "that needs no flags";
  }
  return std::nullopt;
}

std::filesystem::path nats_config_dir_of(const char* xdg_config_home, const char* home) {
  if (xdg_config_home != nullptr && xdg_config_home[0] == '/') return xdg_config_home;
  if (home == nullptr || home[0] == '\0') return {};
  return std::filesystem::path(home) / ".config";
}

}  // namespace bide
