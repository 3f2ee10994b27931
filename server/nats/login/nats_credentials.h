// server/nats/login/nats_credentials.h: The settings for logging in to NATS. They contain the names
// of files; their content is in a NatsLogin (server/nats/login/nats_login.h).
//
// Thread safety: values and pure functions.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bide {

// The bucket of osapi.
inline constexpr std::string_view kDefaultBucket = "job-queue";

struct NatsCredentials {
  // The identity: at most one of these four. A user has a password.
  std::string user{};
  std::filesystem::path password_file{};
  std::filesystem::path token_file{};
  std::filesystem::path nkey_file{};   // The seed of a user's key.
  std::filesystem::path creds_file{};  // A JWT and a seed.
  // TLS. If one of these is set, bide does not connect to a server in plain text.
  std::filesystem::path ca_file{};    // Empty: the system's store.
  std::filesystem::path cert_file{};  // Needs key_file.
  std::filesystem::path key_file{};
  std::string inbox_prefix{};  // Empty: `_INBOX`.
  // Where JetStream is, if it is not that of the server: at most one of these two.
  std::string domain{};
  std::string js_prefix{};  // Instead of `$JS.API`.
  // A context of the nats command line, for everything that is not set here.
  std::string context{};
  std::filesystem::path config_dir{};  // The folder of the contexts; see nats_config_dir_of().

  friend bool operator==(const NatsCredentials&, const NatsCredentials&) = default;
};

// A setting, which is the same for `bide serve` and `bide emit`.
struct NatsSetting {
  std::string_view flag;  // `--nats-creds`.
  std::string_view placeholder;
  std::string_view doc;       // For --help, one line.
  std::string_view expected;  // For errors: "a file".
  // False: `text` is not what is expected; the credentials are unchanged.
  bool (*set)(NatsCredentials& credentials, std::string_view text);
};
[[nodiscard]] std::span<const NatsSetting, 12> nats_settings();

// Why these settings contradict each other, in one line that names the flags: two identities (one
// may be in `urls`, see nats_url.h), a domain and a prefix, half of a pair, or nothing to connect
// to. nullopt: they do not.
[[nodiscard]] std::optional<std::string> find_contradiction(const NatsCredentials& credentials,
                                                            std::string_view urls);

// `$XDG_CONFIG_HOME`, or `~/.config`: the folder of the nats command line's
// `nats/context/NAME.json`. A relative XDG_CONFIG_HOME is ignored. Null or empty arguments stand
// for unset variables. Empty path: neither is set.
[[nodiscard]] std::filesystem::path nats_config_dir_of(const char* xdg_config_home,
                                                       const char* home);

}  // namespace bide
