// server/settings/options.h: The options of `bide serve`. A flag beats an environment variable,
// which beats the TOML file, which beats the default.
//
// A setting has one name in three spellings: `--max-wait 30s`, `BIDE_MAX_WAIT=30s`, and in the file
// `max-wait = "30s"`.
//
// Thread safety: values and pure functions; parsing reads the TOML file.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/client_address.h"
#include "core/base/listen_address.h"
#include "server/log/log.h"
#include "server/nats/login/nats_credentials.h"
#include "server/settings/command_line.h"

namespace bide {

// How clients prove that they may read.
struct AuthOptions {
  enum class Kind : std::uint8_t { kNone, kTokenFile, kJwt };
  Kind kind = Kind::kNone;
  std::filesystem::path token_file;       // kTokenFile.
  std::filesystem::path jwt_secret_file;  // kJwt: this or jwt_key, or both; empty: not set.
  std::filesystem::path jwt_key;
  std::string jwt_issuer;    // Empty: any.
  std::string jwt_audience;  // Empty: any.
  std::string cookie;        // The name of the cookie with a browser's token.

  friend bool operator==(const AuthOptions&, const AuthOptions&) = default;
};

// The table in settings.cc has the defaults; parse_serve_options() begins with them.
struct ServeOptions {
  std::vector<ListenAddress> listen;  // At least one, 64 at most, each once.
  unsigned listen_mode = 0;           // Permissions of Unix sockets: 0..0777.
  // May contain secrets: print redacted(). Empty: the context's, or the embedded server.
  std::string nats_url;
  // Of bide's own nats-server, if it is one of a cluster: where it hears the others, and the
  // others.
  std::string cluster_listen;
  std::vector<std::string> cluster_peers;
  std::filesystem::path cluster_secret_file;
  NatsCredentials nats_credentials;  // Checked: no contradictions, also not with nats_url.
  std::filesystem::path data_dir;    // Of the embedded nats-server. Empty: there is no HOME.
  // Of snapshots of the table. nullopt: below data_dir. Empty: there are none.
  std::optional<std::filesystem::path> snapshot_dir;
  std::string bucket;
  bool create_bucket = false;               // If missing; with the embedded server always.
  int bucket_replicas = 0;                  // 1..5; needs create_bucket.
  std::size_t max_parked = 0;               // Requests parked at the same time. 0..10,000,000.
  std::chrono::milliseconds max_wait{};     // Longest hold. 1 s..1 h.
  std::chrono::milliseconds drain_delay{};  // From the first signal to draining. 0..1 h.
  std::size_t drain_rate = 0;               // Answers a second. 0..10,000,000; 0: at once.
  double wait_jitter = 0;                   // Deadlines come up to this share early. 0..0.5.
  std::chrono::milliseconds settle{};       // Quiet time that makes a broadcast done. 0..10 min.
  std::chrono::milliseconds retry_grace{};  // How long work may be delivered again. 0..1 d.
  std::size_t max_memory = 0;               // Bytes of all jobs; 0: no limit.
  std::chrono::milliseconds max_stale{};    // Age of the last contact with NATS. 2 s..1 h.
  // Waiters on statistics and the list are notified at most once in this time. 10 ms..1 min.
  std::chrono::milliseconds stats_interval{};
  std::string base_path;    // "" or "/api": answers under this path, too.
  std::size_t threads = 0;  // Of the pool, 1..64. 0: as many as cores.
  AccessLog access_log{};
  // PEM files. tls_cert and tls_key are set together: then bide speaks only HTTPS. With
  // tls_client_ca clients need a certificate that one of these CAs has signed. With tls_client_crl,
  // which needs tls_client_ca, it must not be on one of these revocation lists.
  std::filesystem::path tls_cert;
  std::filesystem::path tls_key;
  std::filesystem::path tls_client_ca;
  std::filesystem::path tls_client_crl;
  AuthOptions auth;
  bool core_dumps = false;                 // Debuggers and core dumps allowed (PR_SET_DUMPABLE).
  bool read_only = false;                  // Nothing may be written over HTTP.
  bool allow_anonymous = false;            // Lets `auth none` listen beyond loopback.
  std::vector<std::string> allowed_hosts;  // Served with `auth none`; see served_hosts.h.
  std::vector<std::string> cors_origins;   // Pages of these origins may read; see origin.h.
  // For each client, which is the subject of its token, or its address. 0: no limit.
  std::size_t max_parked_per_client = 0;  // 0..10,000,000.
  std::uint32_t max_streams = 0;          // 0..1,000,000.
  std::size_t max_rate_per_client = 0;    // Requests a second. 0..1,000,000.
  // Open connections from one address. 0..10,000,000. nullopt: 15/16 of the descriptors.
  std::optional<std::size_t> max_connections_per_client;
  std::vector<AddressRange> trusted_proxies;  // Their X-Forwarded-For names the client.
  // For the log at the start: ignored settings, and combinations that are allowed but risky.
  std::vector<std::string> warnings;

  friend bool operator==(const ServeOptions&, const ServeOptions&) = default;
};

using Environment = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] Environment process_environment();
// A line for each variable BIDE_… that no command reads and that is no service link of Kubernetes
// or Docker. Names the nearest known one.
[[nodiscard]] std::vector<std::string> complaints_about_variables(const Environment& environment);

// `args`: the arguments behind `bide serve`. `passed`: the sockets that systemd has passed, which
// replace those of --listen. `environment`: reads BIDE_*, HOME, XDG_STATE_HOME and
// XDG_CONFIG_HOME; an empty variable counts as unset. An unknown flag is an error. An unknown
// BIDE_* variable causes a warning, except those of the client (BIDE_SERVER, BIDE_TOKEN,
// BIDE_CACERT) and those that Kubernetes and Docker set for services.
[[nodiscard]] std::variant<ServeOptions, UsageError> parse_serve_options(
    std::span<const std::string> args, const Environment& environment,
    std::vector<ListenAddress> passed = {});

}  // namespace bide
