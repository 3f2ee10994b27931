// server/nats/login/nats_context.h: Contexts of the nats command line: how to reach a NATS, and as
// whom, under a name. `nats context add ci --server …` writes CONFIG_DIR/nats/context/ci.json, and
// `nats context select ci` writes the name into CONFIG_DIR/nats/context.txt.
//
// Thread safety: pure functions over the file system; they block on the disk.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

namespace bide {

// The members of the file that bide honours; empty: not there. Of the others description,
// color_scheme and jetstream_event_prefix do not matter; those that lead elsewhere (nsc,
// socks_proxy, tls_first, jetstream_domain, …) are refused rather than ignored.
struct NatsContext {
  std::string url{};  // A valid list (nats_url.h). Default: nats://127.0.0.1:4222.
  std::string user{};
  std::string password{};  // May be empty with a user.
  std::string token{};
  std::filesystem::path creds{};  // These five with `~/` replaced.
  std::filesystem::path nkey{};
  std::filesystem::path cert{};
  std::filesystem::path key{};
  std::filesystem::path ca{};
  std::string inbox_prefix{};
};

// `selected` is the selected context, unless one has that very name. The string: why not, in one
// line that names the file and repeats nothing of what it says.
[[nodiscard]] std::variant<NatsContext, std::string> read_nats_context(
    const std::filesystem::path& config_dir, std::string_view name);

}  // namespace bide
