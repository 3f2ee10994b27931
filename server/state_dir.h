// server/state_dir.h: Where bide keeps its state, and how a worker on the same machine finds the
// nats-server that bide started: by the file `nats-url` in there.
//
// Thread safety: pure functions over the file system; may be called from any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace bide {

// `$XDG_STATE_HOME/bide`, or `~/.local/state/bide`. A relative XDG_STATE_HOME is ignored, as the
// XDG Base Directory Specification asks. Empty path: there is no HOME either. Null or empty
// arguments mean that the variable is unset.
[[nodiscard]] std::filesystem::path state_dir_of(const char* xdg_state_home, const char* home);
// The same from this process's environment.
[[nodiscard]] std::filesystem::path default_state_dir();

// The file (mode 0600, it carries a token) with the URL of the nats-server that serves `dir`.
[[nodiscard]] std::filesystem::path nats_url_file(const std::filesystem::path& dir);
// Its content without the line end. nullopt: no such file, not readable, or empty.
[[nodiscard]] std::optional<std::string> read_nats_url(const std::filesystem::path& dir);

// Replaces `path` by a file of mode 0600 that holds `bytes`. Atomic: a reader sees the old content
// or the new one. Blocks on the disk.
[[nodiscard]] std::error_code write_private_file(const std::filesystem::path& path,
                                                 std::string_view bytes);

}  // namespace bide
