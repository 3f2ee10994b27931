#include "server/settings/settings.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server/settings/command_line.h"
#include "server/settings/setting_values.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

using Kind = SettingKind;
using Options = ServeOptions;
using Text = std::string_view;

// The headings of --help.
constexpr Text kHttp = "Address and HTTP";
constexpr Text kNats = "NATS and jobs";
constexpr Text kAccess = "Who may read and write";
constexpr Text kLimits = "Limits";

constexpr ServeSetting row(Text group, Text name, Kind kind, Text placeholder, Text default_text,
                           Text doc, Text expected, bool (*set)(Options& options, Text text),
                           Text choices = {}, bool repeats = false) {
  return {{.name = name,
           .kind = kind,
           .placeholder = placeholder,
           .default_text = default_text,
           .doc = doc,
           .expected = expected,
           .repeats = repeats,
           .choices = choices,
           .group = group},
          set};
}

constexpr std::array kSettings = {
    row(kHttp, "listen", Kind::kText, "ADDRESS", kDefaultListen,
        "address to serve HTTP on, HOST:PORT or unix:PATH; may be given several times, or several "
        "separated by commas; [::1]:8080 for IPv6, port 0 for any free one",
        "HOST:PORT, such as 127.0.0.1:8080 or [::1]:0, or unix:PATH, such as "
        "unix:/run/bide/bide.sock; or several, each once, 64 at most, separated by commas",
        set_listen, {}, true),
    row(kHttp, "listen-mode", Kind::kText, "MODE", "0660",
        "with a Unix socket in --listen: its permissions, as chmod takes them",
        "an octal number from 0 to 0777, such as 0660", set_listen_mode),
    row(kNats, "nats", Kind::kText, "URL", "",
        "NATS to watch, or several separated by commas; without it bide runs its own nats-server",
        "nats://HOST:PORT or tls://HOST:PORT, or several separated by commas; in a user, password "
        "or token % is written %25",
        set_nats),
    row(kNats, "data-dir", Kind::kText, "DIR", "",
        "state of bide's own nats-server (default: $XDG_STATE_HOME/bide, or "
        "~/.local/state/bide)",
        "a directory", [](Options& o, Text t) { return set_file(o.data_dir, t); }),
    row(kNats, "cluster-peers", Kind::kText, "ADDRESSES", "",
        "run bide's own nats-server as one of a cluster: the --cluster-listen of the others, or of "
        "all, separated by commas",
        "HOST:PORT, such as bide-2.example:6222, or several separated by commas",
        set_cluster_peers),
    row(kNats, "cluster-listen", Kind::kText, "ADDRESS", "127.0.0.1:6222",
        "with --cluster-peers: the address at which the others reach this nats-server",
        "HOST:PORT, such as 10.0.0.1:6222", set_cluster_listen),
    row(kNats, "cluster-secret-file", Kind::kText, "FILE", "",
        "with --cluster-peers: file with a secret that all servers of the cluster share, one line",
        "a file", [](Options& o, Text t) { return set_file(o.cluster_secret_file, t); }),
    row(kNats, "snapshot-dir", Kind::kText, "DIR", "",
        "where snapshots of all jobs are kept, from which the next start goes on; none: nowhere "
        "(default: snapshots in the data directory)",
        "a directory, or none",
        [](Options& o, Text t) {
          return t.empty() || t == "none" ? (o.snapshot_dir.emplace(), true)
                                          : set_file(o.snapshot_dir.emplace(), t);
        }),
    row(kNats, "bucket", Kind::kText, "NAME", kDefaultBucket, "key-value bucket with the jobs",
        "a bucket name of letters, digits, _ and -", set_bucket),
    row(kNats, "create-bucket", Kind::kSwitch, "", "false",
        "with --nats: create the bucket if it is missing, instead of waiting for it",
        "true or false", [](Options& o, Text t) { return set_switch(o.create_bucket, t); }),
    row(kNats, "bucket-replicas", Kind::kCount, "COUNT", "1",
        "with --create-bucket: how many servers of the cluster keep a copy", "a count from 1 to 5",
        [](Options& o, Text t) { return parse_number(t, 1, 5, o.bucket_replicas); }),
    row(kLimits, "max-parked", Kind::kCount, "COUNT", "100000",
        "requests held at the same time; more are answered at once", "a count from 0 to 10000000",
        [](Options& o, Text t) {
          return parse_number<std::size_t>(t, 0, 10'000'000, o.max_parked);
        }),
    row(kLimits, "max-streams", Kind::kCount, "COUNT", "1000",
        "requests at a time on a connection of HTTP/2, a hundredfold on one of a --trusted-proxy; "
        "0: no HTTP/2",
        "a count from 0 to 1000000",
        [](Options& o, Text t) {
          return parse_number<std::uint32_t>(t, 0, 1'000'000, o.max_streams);
        }),
    row(kHttp, "max-wait", Kind::kDuration, "DURATION", "55s",
        "longest time a request is held; keep it below the timeout of proxies in front",
        "a duration from 1s to 1h, such as 30s or 1m30s",
        [](Options& o, Text t) { return parse_duration_within(t, 1s, 1h, o.max_wait); }),
    row(kHttp, "wait-jitter", Kind::kFraction, "SHARE", "0.0625",
        "share of the wait by which a held request may be answered early, at random",
        "a number from 0 to 0.5",
        [](Options& o, Text t) { return parse_number(t, 0.0, 0.5, o.wait_jitter); }),
    row(kHttp, "drain-delay", Kind::kDuration, "DURATION", "0",
        "how long all is served after the first signal, with /readyz 503, for balancers to notice",
        "a duration from 0 to 1h, such as 10s",
        [](Options& o, Text t) { return parse_duration_within(t, 0s, 1h, o.drain_delay); }),
    row(kHttp, "drain-rate", Kind::kCount, "COUNT", "20000",
        "held requests answered a second when draining, more if it would take over 10s; 0 for all "
        "at once",
        "a count from 0 to 10000000",
        [](Options& o, Text t) {
          return parse_number<std::size_t>(t, 0, 10'000'000, o.drain_rate);
        }),
    row(kNats, "settle", Kind::kDuration, "DURATION", "2s",
        "how long a broadcast job must be unchanged to count as done",
        "a duration from 0 to 10m, such as 2s",
        [](Options& o, Text t) { return parse_duration_within(t, 0s, 10min, o.settle); }),
    row(kNats, "retry-grace", Kind::kDuration, "DURATION", "0",
        "how long a job that did not succeed must be without an event to count as final",
        "a duration from 0 to 24h, such as 3m",
        [](Options& o, Text t) { return parse_duration_within(t, 0s, 24h, o.retry_grace); }),
    row(kNats, "max-memory", Kind::kText, "BYTES", "0",
        "memory limit for all jobs, such as 2GiB; 0 for no limit",
        "0, or bytes from 1MiB on, such as 512MiB or 2GiB",
        [](Options& o, Text t) { return parse_bytes(t, 1 << 20, o.max_memory); }),
    row(kNats, "max-stale", Kind::kDuration, "DURATION", "5s",
        "how long unfinished jobs are still served after NATS was last heard",
        "a duration from 2s to 1h, such as 5s",
        [](Options& o, Text t) { return parse_duration_within(t, 2s, 1h, o.max_stale); }),
    row(kHttp, "stats-interval", Kind::kDuration, "DURATION", "250ms",
        "shortest time between two answers about statistics and the list",
        "a duration from 10ms to 1m, such as 250ms",
        [](Options& o, Text t) { return parse_duration_within(t, 10ms, 1min, o.stats_interval); }),
    row(kHttp, "base-path", Kind::kText, "PATH", "", "serve all paths under this one, too",
        "a path such as /api: a slash first, none at the end", set_base_path),
    row(kHttp, "threads", Kind::kCount, "COUNT", "0",
        "threads that answer requests; 0 for one per core", "a count from 0 to 64",
        [](Options& o, Text t) { return parse_number<std::size_t>(t, 0, 64, o.threads); }),
    row(kHttp, "access-log", Kind::kText, "WHICH", "sampled",
        "log requests: off, sampled (errors and one in 100) or all", "off, sampled or all",
        set_access_log, "off,sampled,all"),
    row(kAccess, "auth", Kind::kText, "HOW", "none",
        "tokens that clients need: none, token-file=FILE (one token a line) or jwt",
        "none, token-file=FILE or jwt", set_auth, "none,token-file=,jwt"),
    row(kAccess, "jwt-secret-file", Kind::kText, "FILE", "",
        "with --auth jwt: the secret of HS256 tokens, 32 bytes or more", "a file",
        [](Options& o, Text t) { return set_file(o.auth.jwt_secret_file, t); }),
    row(kAccess, "jwt-key", Kind::kText, "FILE", "",
        "with --auth jwt: public keys of RS256, ES256 and EdDSA tokens, as PEM or a JWK set",
        "a file", [](Options& o, Text t) { return set_file(o.auth.jwt_key, t); }),
    row(kAccess, "jwt-issuer", Kind::kText, "TEXT", "", "with --auth jwt: the required `iss`",
        "the issuer as it stands in tokens",
        [](Options& o, Text t) { return set_text(o.auth.jwt_issuer, t); }),
    row(kAccess, "jwt-audience", Kind::kText, "TEXT", "",
        "with --auth jwt: `aud` must be or contain this", "the audience as it stands in tokens",
        [](Options& o, Text t) { return set_text(o.auth.jwt_audience, t); }),
    row(kAccess, "auth-cookie", Kind::kText, "NAME", "bide_token",
        "the cookie in which browsers may send their token",
        "a name of letters, digits, _ and -, 64 at most", set_cookie),
    row(kAccess, "cors-origin", Kind::kText, "ORIGIN", "",
        "origin whose pages may read, or several separated by commas",
        "https://HOST or https://HOST:PORT, without a path; or several, 64 at most, "
        "separated by commas",
        set_cors_origins),
    row(kLimits, "max-parked-per-client", Kind::kCount, "COUNT", "20000",
        "requests held at the same time for one client (token or address); 0 for no limit",
        "a count from 0 to 10000000",
        [](Options& o, Text t) {
          return parse_number<std::size_t>(t, 0, 10'000'000, o.max_parked_per_client);
        }),
    row(kLimits, "max-rate-per-client", Kind::kCount, "COUNT", "0",
        "requests a second from one client (token or address); 0 for no limit",
        "a count from 0 to 1000000",
        [](Options& o, Text t) {
          return parse_number<std::size_t>(t, 0, 1'000'000, o.max_rate_per_client);
        }),
    row(kLimits, "max-connections-per-client", Kind::kCount, "COUNT", "",
        "open connections from one address; 0 for no limit (default: 15 of 16 of the open files "
        "that clients can have)",
        "a count from 0 to 10000000", set_max_connections),
    row(kLimits, "trusted-proxy", Kind::kText, "CIDR", "",
        "proxies whose X-Forwarded-For names the client, separated by commas",
        "addresses or ranges such as 10.0.0.0/8, 192.0.2.1 or fd00::/8; 64 at most, separated by "
        "commas",
        set_trusted_proxies),
    row(kAccess, "tls-cert", Kind::kText, "FILE", "",
        "serve HTTPS with this certificate and its chain, PEM", "a PEM file",
        [](Options& o, Text t) { return set_file(o.tls_cert, t); }),
    row(kAccess, "tls-key", Kind::kText, "FILE", "",
        "the certificate's key: PEM, without a passphrase", "a PEM file",
        [](Options& o, Text t) { return set_file(o.tls_key, t); }),
    row(kAccess, "tls-client-ca", Kind::kText, "FILE", "",
        "accept only clients with a certificate of one of these CAs, PEM", "a PEM file",
        [](Options& o, Text t) { return set_file(o.tls_client_ca, t); }),
    row(kAccess, "tls-client-crl", Kind::kText, "FILE", "",
        "refuse clients whose certificate is on one of these revocation lists", "a PEM file",
        [](Options& o, Text t) { return set_file(o.tls_client_crl, t); }),
    row(kAccess, "core-dumps", Kind::kSwitch, "", "false",
        "let debuggers attach and the kernel write core dumps, which hold tokens and keys",
        "true or false", [](Options& o, Text t) { return set_switch(o.core_dumps, t); }),
    row(kAccess, "read-only", Kind::kSwitch, "", "false",
        "answer POST, PUT and DELETE with 405: nothing can be written over HTTP", "true or false",
        [](Options& o, Text t) { return set_switch(o.read_only, t); }),
    row(kAccess, "allow-anonymous", Kind::kSwitch, "", "false",
        "allow --auth none on addresses beyond this machine", "true or false",
        [](Options& o, Text t) { return set_switch(o.allow_anonymous, t); }),
    row(kAccess, "allowed-host", Kind::kText, "HOST", "",
        "with --auth none: a further Host to serve, or several separated by commas",
        "a name or an address without a port, or several, 64 at most, separated by commas",
        set_allowed_hosts),
};

// A setting that `bide emit` has, too.
template <std::size_t kIndex>
ServeSetting nats_setting() {
  return {setting_of(nats_settings()[kIndex]),
          [](Options& o, Text t) { return nats_settings()[kIndex].set(o.nats_credentials, t); }};
}

// The shared settings follow `nats`.
template <std::size_t... kIndices>
std::vector<ServeSetting> all_settings(std::index_sequence<kIndices...> /*of the shared ones*/) {
  std::vector<ServeSetting> all(kSettings.begin(), kSettings.end());
  const auto nats = std::find_if(all.begin(), all.end(), [](auto& s) { return s.name == "nats"; });
  all.insert(nats + 1, {nats_setting<kIndices>()...});
  return all;
}

Command make_command() {
  Command command{
      .name = "bide serve",
      .summary = "serve the state of jobs over HTTP",
      .synopsis = {"[--listen ADDRESS]... [--nats URL | --data-dir DIR] [FLAG]..."},
      .description = R"(Watches a NATS bucket of jobs and serves their state over HTTP: at once,
conditionally, or held until there is news. Without --nats it runs its own nats-server, which
`bide emit` on this machine finds by itself. SIGTERM and SIGINT end it; SIGHUP makes it read tokens,
keys and certificates again.)",
      .examples = {"bide serve",
                   "bide serve --nats nats://nats.example:4222 --bucket job-queue --create-bucket",
                   "bide serve --listen 0.0.0.0:8080 --auth token-file=/etc/bide/tokens",
                   "bide serve --config /etc/bide.toml"},
      .settings = {},
      .notes = R"(Every flag is also a variable (--max-wait 30s is BIDE_MAX_WAIT=30s) and a line
of the file (max-wait = "30s"). A flag beats a variable, a variable beats the file. Durations:
500ms, 30s, 1m30s, 1h, or bare seconds.)",
      .exit_codes = {{"0", "ended by SIGTERM or SIGINT"},
                     {"1", "could not start, or could not follow the bucket any more"},
                     {"2", "usage"}}};
  for (const ServeSetting& setting : serve_settings()) command.settings.push_back(&setting);
  command.settings.push_back(&kConfigSetting);
  return command;
}

}  // namespace

Setting setting_of(const NatsSetting& shared) {
  return {.name = shared.flag.substr(2),
          .placeholder = shared.placeholder,
          .doc = shared.doc,
          .expected = shared.expected,
          .group = kNats};
}

std::span<const ServeSetting> serve_settings() {
  static const std::vector<ServeSetting> all =
      all_settings(std::make_index_sequence<decltype(nats_settings())::extent>());
  return all;
}

const Command& serve_command() {
  static const Command command = make_command();
  return command;
}

const ServeSetting* find_serve_setting(std::string_view name) {
  const auto found = std::ranges::find(serve_settings(), name, &ServeSetting::name);
  return found == serve_settings().end() ? nullptr : &*found;
}

std::optional<UsageError> apply_assignments(std::span<const Assignment> assignments,
                                            ServeOptions& options) {
  for (const Assignment& assignment : assignments) {
    const ServeSetting* const setting = find_serve_setting(assignment.setting->name);
    if (setting->set(options, assignment.text)) continue;
    return unexpected(assignment.where, *setting, assignment.text);
  }
  return std::nullopt;
}

}  // namespace bide
