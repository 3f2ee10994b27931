// server/nats/login/nats_credentials.h: As whom bide comes to NATS, in the words of the settings:
// names of files, never what is in them. What they hold is a NatsLogin
// (server/nats/login/nats_login.h).
//
// Thread safety: values and pure functions.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bide {

struct NatsCredentials {
  // Who it is; one of these four at most. A user has a password.
  std::string user{};
  std::filesystem::path password_file{};
  std::filesystem::path token_file{};
  std::filesystem::path nkey_file{};   // The seed of a user's key.
  std::filesystem::path creds_file{};  // A JWT and a seed.
  // TLS. With one of them bide does not talk to a server in plain text.
  std::filesystem::path ca_file{};    // Empty: those that the system trusts.
  std::filesystem::path cert_file{};  // Needs key_file.
  std::filesystem::path key_file{};
  std::string inbox_prefix{};  // Empty: `_INBOX`.
  // A context of the nats command line, which says what is not said here.
  std::string context{};
  std::filesystem::path config_dir{};  // Where contexts are; see nats_config_dir_of().

  friend bool operator==(const NatsCredentials&, const NatsCredentials&) = default;
};

// One of the settings, the same for `bide serve` and `bide emit`.
struct NatsSetting {
  std::string_view flag;  // `--nats-creds`.
  std::string_view placeholder;
  std::string_view doc;       // For --help, one line.
  std::string_view expected;  // For errors: "a file".
  // False: not what is expected; the credentials are unchanged.
  bool (*set)(NatsCredentials& credentials, std::string_view text);
};
[[nodiscard]] std::span<const NatsSetting, 10> nats_settings();

// Why these cannot be meant together, in one line that names the flags: two ways to say who it is
// (one may be in `urls`, see nats_url.h), half of a pair, or nothing to connect to. nullopt: fine.
[[nodiscard]] std::optional<std::string> find_contradiction(const NatsCredentials& credentials,
                                                            std::string_view urls);

// `$XDG_CONFIG_HOME`, or `~/.config`, where the nats command line keeps `nats/context/NAME.json`.
// A relative XDG_CONFIG_HOME is ignored. Null or empty arguments mean that the variable is unset;
// empty path: there is no HOME either.
[[nodiscard]] std::filesystem::path nats_config_dir_of(const char* xdg_config_home,
                                                       const char* home);

}  // namespace bide
