// server/settings/options.h: What `bide serve` can be told, and by whom: a flag beats an
// environment variable, which beats the TOML file, which beats the default.
//
// A setting has one name in three spellings: `--max-wait 30s`, `BIDE_MAX_WAIT=30s`, and in the file
// `max-wait = "30s"`.
//
// Thread safety: values and pure functions (parsing reads the TOML file).
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
#include "server/log/log.h"
#include "server/nats/login/nats_credentials.h"
#include "server/settings/command_line.h"

namespace bide {

// Who may read.
struct AuthOptions {
  enum class Kind : std::uint8_t { kNone, kTokenFile, kJwt };
  Kind kind = Kind::kNone;
  std::filesystem::path token_file;       // kTokenFile.
  std::filesystem::path jwt_secret_file;  // kJwt: of this and the next one at least; else empty.
  std::filesystem::path jwt_key;
  std::string jwt_issuer;    // Empty: any.
  std::string jwt_audience;  // Empty: any.
  std::string cookie;        // Where browsers keep their token.

  friend bool operator==(const AuthOptions&, const AuthOptions&) = default;
};

// Defaults stand in the table (settings.cc); parse_serve_options() begins with them.
struct ServeOptions {
  // Where to listen: an IPv4 address, an IPv6 address without its brackets, or a name.
  std::string listen_host;
  std::uint16_t listen_port = 0;  // 0: any free port.
  // May carry secrets: print redacted(). Empty: a context's, or the embedded one.
  std::string nats_url;
  NatsCredentials nats_credentials;  // Without contradiction, also to nats_url.
  std::filesystem::path data_dir;    // Of the embedded nats-server. Empty: there is no HOME.
  std::string bucket;
  bool create_bucket = false;               // Where it is missing; the embedded server's always is.
  int bucket_replicas = 0;                  // 1..5; needs create_bucket.
  std::size_t max_parked = 0;               // Requests parked at a time. 0..10,000,000.
  std::chrono::milliseconds max_wait{};     // Longest hold. 1 s..1 h.
  double wait_jitter = 0;                   // Deadlines come up to this share early. 0..0.5.
  std::chrono::milliseconds settle{};       // Quiet time that makes a broadcast done. 0..10 min.
  std::chrono::milliseconds retry_grace{};  // Of work that is delivered again. 0..1 d.
  std::size_t max_memory = 0;               // Bytes of all jobs; 0: no limit.
  std::chrono::milliseconds max_stale{};    // Age of the last contact with NATS. 2 s..1 h.
  // Who waits for what is made of all jobs hears of a change at most so often. 10 ms..1 min.
  std::chrono::milliseconds stats_interval{};
  std::string base_path;    // "" or "/api": also answers under this.
  std::size_t threads = 0;  // Of the pool. 0: as many as cores; else 1..64.
  AccessLog access_log{};
  // PEM files. Both or neither of the first two: with them bide speaks HTTPS, and only that. With
  // the third clients need a certificate that one in it has signed, and with the fourth, which
  // needs the third, one that is not on its lists of revoked certificates.
  std::filesystem::path tls_cert;
  std::filesystem::path tls_key;
  std::filesystem::path tls_client_ca;
  std::filesystem::path tls_client_crl;
  AuthOptions auth;
  bool core_dumps = false;                 // The process may be looked into (PR_SET_DUMPABLE).
  bool allow_anonymous = false;            // Lets `auth none` listen beyond loopback.
  std::vector<std::string> allowed_hosts;  // Answered with `auth none`; see served_hosts.h.
  std::vector<std::string> cors_origins;   // Of pages that may read; see origin.h.
  // Of one client: its token's subject, or its address. 0: no limit.
  std::size_t max_parked_per_client = 0;  // 0..10,000,000.
  std::size_t max_rate_per_client = 0;    // Requests a second. 0..1,000,000.
  // Open connections of one address. 0..10,000,000. nullopt: 15 of 16 of the descriptors.
  std::optional<std::size_t> max_connections_per_client;
  std::vector<AddressRange> trusted_proxies;  // Whose X-Forwarded-For names the client.
  // For the log at the start: what was ignored, and what is allowed and hardly ever meant.
  std::vector<std::string> warnings;

  friend bool operator==(const ServeOptions&, const ServeOptions&) = default;
};

using Environment = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] Environment process_environment();

// `args`: what follows `bide serve`. Of `environment` the variables BIDE_* count, and HOME,
// XDG_STATE_HOME and XDG_CONFIG_HOME; one that is set to nothing counts as unset. An unknown flag
// is an error. An unknown BIDE_* variable is a warning, but for those of the client (BIDE_SERVER,
// BIDE_TOKEN, BIDE_CACERT) and those that Kubernetes and Docker set for services.
[[nodiscard]] std::variant<ServeOptions, UsageError> parse_serve_options(
    std::span<const std::string> args, const Environment& environment);

}  // namespace bide
