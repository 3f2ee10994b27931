#include "server/serve_parts.h"

#include <algorithm>
#include <optional>
#include <thread>

#include "server/auth/jwt_authority.h"
#include "server/auth/token_file.h"
#include "server/net/descriptor_reserve.h"

namespace bide {
namespace {

constexpr std::size_t kShardsMost = 16;

// A sixteenth of the descriptors stays for others, whatever one client does.
std::size_t usual_share() {
  constexpr std::size_t kOwn = 64;  // Of bide itself, with some to spare.
  const std::size_t all = descriptors_for_clients();
  const std::size_t descriptors = all - std::min(kOwn, all / 2);
  return std::max<std::size_t>(1, descriptors - descriptors / 16);
}

}  // namespace

std::size_t cores() { return std::max<std::size_t>(1, std::thread::hardware_concurrency()); }

int replicas_of(const ServeOptions& options) {
  if (options.bucket_replicas != 1 || options.cluster_peers.empty()) return options.bucket_replicas;
  const auto others =
      std::count_if(options.cluster_peers.begin(), options.cluster_peers.end(),
                    [&](const std::string& peer) { return peer != options.cluster_listen; });
  return static_cast<int>(std::min<std::ptrdiff_t>(1 + others, 3));
}

JobTable::Options table_options(const ServeOptions& options) {
  JobTable::Options table;
  table.shards = std::clamp<std::size_t>(cores(), 2, kShardsMost);
  table.parked_max = options.max_parked;
  table.settle = options.settle;
  table.retry_grace = options.retry_grace;
  table.memory_max = options.max_memory;
  table.stats_interval = options.stats_interval;
  return table;
}

std::filesystem::path snapshot_dir_of(const ServeOptions& options) {
  if (options.snapshot_dir) return *options.snapshot_dir;
  return options.data_dir.empty() ? std::filesystem::path() : options.data_dir / "snapshots";
}

Front::Limits front_limits(const ServeOptions& options) {
  Front::Limits limits;
  limits.per_client = {.places = options.max_parked_per_client,
                       .connections = options.max_connections_per_client.value_or(usual_share()),
                       .per_second = options.max_rate_per_client};
  constexpr std::uint32_t kOfProxy = 100;
  limits.streams = options.max_streams;
  limits.proxy_streams = options.max_streams * kOfProxy;
  return limits;
}

std::unique_ptr<Authority> make_authority(const AuthOptions& options) {
  const auto given = [](const auto& value) {
    return value.empty() ? std::nullopt : std::optional(value);
  };
  switch (options.kind) {
    case AuthOptions::Kind::kNone:
      return nullptr;
    case AuthOptions::Kind::kTokenFile:
      return std::make_unique<TokenFile>(options.token_file);
    case AuthOptions::Kind::kJwt:
      break;
  }
  return std::make_unique<JwtAuthority>(JwtSettings{.secret_file = given(options.jwt_secret_file),
                                                    .key_file = given(options.jwt_key),
                                                    .issuer = given(options.jwt_issuer),
                                                    .audience = given(options.jwt_audience)});
}

std::unique_ptr<ServedHosts> make_served_hosts(const ServeOptions& options) {
  const bool anonymous =
      options.auth.kind == AuthOptions::Kind::kNone && options.tls_client_ca.empty();
  if (!anonymous) return nullptr;
  return std::make_unique<ServedHosts>(options.listen, options.allowed_hosts);
}

std::unique_ptr<TlsContext> make_tls(const ServeOptions& options) {
  if (options.tls_cert.empty()) return nullptr;
  return std::make_unique<TlsContext>(
      TlsContext::Files{options.tls_cert, options.tls_key, options.tls_client_ca,
                        options.tls_client_crl},
      options.max_streams != 0);
}

}  // namespace bide
