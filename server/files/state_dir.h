// server/files/state_dir.h: Where bide keeps its state, and how a worker on the same machine finds
// the nats-server that bide started: by the file `nats-url` in there.
//
// Thread safety: pure functions over the file system; may be called from any thread.
#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "server/files/private_dir.h"

namespace bide {

// `$XDG_STATE_HOME/bide`, or `~/.local/state/bide`. A relative XDG_STATE_HOME is ignored, as the
// XDG Base Directory Specification asks. Empty path: there is no HOME either. Null or empty
// arguments mean that the variable is unset.
[[nodiscard]] std::filesystem::path state_dir_of(const char* xdg_state_home, const char* home);
// The same from this process's environment.
[[nodiscard]] std::filesystem::path default_state_dir();

// The file (mode 0600, it carries a token) with the URL of the nats-server that serves `dir`.
[[nodiscard]] std::filesystem::path nats_url_file(const std::filesystem::path& dir);
// Its content without the line end. A file or folder that is another user's, or that others may
// write, is not believed: whoever planted it would get what workers report, token and all.
[[nodiscard]] std::variant<std::string, PrivateDir::Fault> read_nats_url(
    const std::filesystem::path& dir);

}  // namespace bide
