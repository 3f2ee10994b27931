#include "server/settings/setting_values.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/ascii.h"
#include "core/base/client_address.h"
#include "core/base/duration.h"
#include "core/base/host_port.h"
#include "server/http/served_hosts.h"
#include "server/nats/login/nats_url.h"
#include "server/settings/origin.h"

namespace bide {
namespace {

using std::chrono::milliseconds;

bool is_made_of(std::string_view text, std::string_view punctuation) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter_or_digit(c) || punctuation.find(c) != std::string_view::npos;
  });
}

// What `parse_one` makes of each part between commas; 64 at most.
template <typename T, typename ParseOne>
bool parse_list(std::string_view text, ParseOne&& parse_one, std::vector<T>& out) {
  constexpr std::size_t kMost = 64;
  std::vector<T> all;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    std::optional<T> one = parse_one(part);
    if (!one || all.size() == kMost) return false;
    all.push_back(*std::move(one));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
  }
  out = std::move(all);
  return true;
}

}  // namespace

bool parse_duration_within(std::string_view text, milliseconds low, milliseconds high,
                           milliseconds& out) {
  const std::optional<milliseconds> duration = parse_duration(text);
  if (!duration || *duration < low || *duration > high) return false;
  out = *duration;
  return true;
}

bool parse_bytes(std::string_view text, std::size_t low, std::size_t& out) {
  unsigned shift = 0, unit_shift = 0;
  for (const std::string_view unit : {"KiB", "MiB", "GiB"}) {
    unit_shift += 10;
    if (!text.ends_with(unit)) continue;
    text.remove_suffix(unit.size());
    shift = unit_shift;
    break;
  }
  std::size_t number = 0;
  if (!parse_number<std::size_t>(text, 0, SIZE_MAX >> shift, number)) return false;
  if (number != 0 && number << shift < low) return false;
  out = number << shift;
  return true;
}

bool set_listen(ServeOptions& options, std::string_view text) {
  std::vector<ListenAddress> addresses;
  if (text.empty() || !parse_list(text, parse_listen_address, addresses)) return false;
  for (auto it = addresses.begin(); it != addresses.end(); ++it) {
    const bool any_port = !it->is_unix() && it->port == 0;
    if (!any_port && std::find(addresses.begin(), it, *it) != it) return false;
  }
  options.listen = std::move(addresses);
  return true;
}

bool set_listen_mode(ServeOptions& options, std::string_view text) {
  unsigned mode = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, mode, 8);
  if (error != std::errc() || parsed != end || mode > 0777) return false;
  options.listen_mode = mode;
  return true;
}

bool set_nats(ServeOptions& options, std::string_view text) {
  if (!is_nats_url_list(text)) return false;
  options.nats_url = text;
  return true;
}

bool set_file(std::filesystem::path& file, std::string_view text) {
  if (text.empty() || text.find('\0') != std::string_view::npos) return false;
  file = text;
  return true;
}

// A name or an address, and a port. It goes into nats-server's configuration as it is.
std::optional<std::string> parse_peer(std::string_view text) {
  const std::optional<HostPort> peer = split_host_port(text);
  if (!peer || !peer->port || parse_port(*peer->port).value_or(0) == 0) return std::nullopt;
  const bool good = peer->bracketed ? is_ipv6(peer->host) : is_plain_host(peer->host);
  return good ? std::optional<std::string>(text) : std::nullopt;
}

bool set_cluster_listen(ServeOptions& options, std::string_view text) {
  const auto peer = parse_peer(text);
  if (peer) options.cluster_listen = *peer;
  return peer.has_value();
}

bool set_cluster_peers(ServeOptions& options, std::string_view text) {
  std::vector<std::string> peers;
  if (text.empty() || !parse_list(text, parse_peer, peers)) return false;
  options.cluster_peers = std::move(peers);
  return true;
}

bool set_bucket(ServeOptions& options, std::string_view text) {
  if (text.empty() || text.size() > 200 || !is_made_of(text, "_-")) return false;
  options.bucket = text;
  return true;
}

bool set_base_path(ServeOptions& options, std::string_view text) {
  if (!text.empty() && (!text.starts_with('/') || text.ends_with('/'))) return false;
  if (text.size() > 256 || text.find("//") != std::string_view::npos) return false;
  if (!is_made_of(text, "/-._~")) return false;
  options.base_path = text;
  return true;
}

bool set_access_log(ServeOptions& options, std::string_view text) {
  if (text == "off") {
    options.access_log = AccessLog::kOff;
  } else if (text == "sampled") {
    options.access_log = AccessLog::kSampled;
  } else if (text == "all") {
    options.access_log = AccessLog::kAll;
  } else {
    return false;
  }
  return true;
}

bool set_auth(ServeOptions& options, std::string_view text) {
  constexpr std::string_view kTokenFile = "token-file=";
  AuthOptions& auth = options.auth;
  if (text.starts_with(kTokenFile)) {
    if (!set_file(auth.token_file, text.substr(kTokenFile.size()))) return false;
    auth.kind = AuthOptions::Kind::kTokenFile;
    return true;
  }
  if (text != "none" && text != "jwt") return false;
  auth.kind = text == "jwt" ? AuthOptions::Kind::kJwt : AuthOptions::Kind::kNone;
  auth.token_file.clear();
  return true;
}

bool set_text(std::string& to, std::string_view text) {
  if (text.empty()) return false;
  to = text;
  return true;
}

bool set_cookie(ServeOptions& options, std::string_view text) {
  if (text.empty() || text.size() > 64 || !is_made_of(text, "_-")) return false;
  options.auth.cookie = text;
  return true;
}

bool set_cors_origins(ServeOptions& options, std::string_view text) {
  return parse_list(text, parse_origin, options.cors_origins);
}

bool set_allowed_hosts(ServeOptions& options, std::string_view text) {
  const auto parse_one = [](std::string_view host) {
    return is_host_name(host) ? std::optional<std::string>(host) : std::nullopt;
  };
  return parse_list(text, parse_one, options.allowed_hosts);
}

bool set_max_connections(ServeOptions& options, std::string_view text) {
  std::size_t connections = 0;
  if (!parse_number<std::size_t>(text, 0, 10'000'000, connections)) return false;
  options.max_connections_per_client = connections;
  return true;
}

bool set_trusted_proxies(ServeOptions& options, std::string_view text) {
  return parse_list(text, AddressRange::parse, options.trusted_proxies);
}

bool set_switch(bool& to, std::string_view text) {
  const bool yes = text == "true" || text == "1";
  if (!yes && text != "false" && text != "0") return false;
  to = yes;
  return true;
}

}  // namespace bide
