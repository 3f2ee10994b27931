// server/nats/login/nats_context.h: Contexts of the nats command line: a name for a server and the
// credentials for it. `nats context add ci --server …` writes CONFIG_DIR/nats/context/ci.json, and
// `nats context select ci` writes the name into CONFIG_DIR/nats/context.txt.
//
// Thread safety: pure functions over the file system; they block on the disk.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

namespace bide {

// The members of the file that bide uses; empty: absent. It ignores description, color_scheme and
// jetstream_event_prefix. It refuses all others (nsc, socks_proxy, tls_first, …),
// because without them it would connect in another way than the user means.
struct NatsContext {
  std::string url{};  // A valid list (nats_url.h). Default: nats://127.0.0.1:4222.
  std::string user{};
  std::string password{};  // May be empty with a user.
  std::string token{};
  std::filesystem::path creds{};  // In the five paths `~/` is replaced.
  std::filesystem::path nkey{};
  std::filesystem::path cert{};
  std::filesystem::path key{};
  std::filesystem::path ca{};
  std::string inbox_prefix{};
  std::string domain{};  // One of these two at most.
  std::string js_prefix{};
};

// The name `selected` stands for the selected context, unless a context has that name. The string:
// the error in one line, with the name of the file and nothing of its content.
[[nodiscard]] std::variant<NatsContext, std::string> read_nats_context(
    const std::filesystem::path& config_dir, std::string_view name);

}  // namespace bide
