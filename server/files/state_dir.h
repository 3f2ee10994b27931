// server/files/state_dir.h: The folder for bide's state. The file `nats-url` in it tells workers on
// the same machine the URL of the nats-server that bide started.
//
// Thread safety: pure functions over the file system; may be called from any thread.
#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "server/files/private_dir.h"

namespace bide {

// `$XDG_STATE_HOME/bide`, or `~/.local/state/bide`. A relative XDG_STATE_HOME is ignored, as the
// XDG Base Directory Specification demands. Null or empty arguments stand for unset variables.
// Empty path: neither is set.
[[nodiscard]] std::filesystem::path state_dir_of(const char* xdg_state_home, const char* home);
// The same from this process's environment.
[[nodiscard]] std::filesystem::path default_state_dir();

// The file with the URL of the nats-server that uses `dir`. Mode 0600, because the URL has a token.
[[nodiscard]] std::filesystem::path nats_url_file(const std::filesystem::path& dir);
// The content of the file without the line end. It is an error if the file or folder belongs to
// another user or if others may write it: an attacker could receive the reports of workers.
[[nodiscard]] std::variant<std::string, PrivateDir::Fault> read_nats_url(
    const std::filesystem::path& dir);

}  // namespace bide
