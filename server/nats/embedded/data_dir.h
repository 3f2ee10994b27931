// server/nats/embedded/data_dir.h: What an embedded nats-server needs on disk, made ready; see
// server/nats/embedded/embedded_nats.h for the layout.
//
// Thread safety: functions block on the disk; one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "server/files/private_dir.h"

namespace bide {

// Takes the lock file; the descriptor stays open for as long as the lock is wanted. Waits up to
// `patience` for a nats-server that is still ending, not for a bide that is alive. Throws
// StartError.
[[nodiscard]] int lock_data_dir(const PrivateDir& dir, std::chrono::milliseconds patience);

// The port of last time if it is free, else any free one; remembered in the file.
[[nodiscard]] std::uint16_t choose_port(const PrivateDir& dir, const std::string& name);
// 32 hex digits of the kernel's randomness; remembered in the file.
[[nodiscard]] std::string choose_token(const PrivateDir& dir, const std::string& name);
// Opens nats-server's log for appending; begun anew when over 10 MB. Throws StartError.
[[nodiscard]] int open_log(const PrivateDir& dir, const std::string& name);
// The last lines of a log, joined by ` | `, for an error message.
[[nodiscard]] std::string tail_of(const std::filesystem::path& file);
// Where programs are looked for: PATH, then the folders that administrators have in theirs.
[[nodiscard]] std::string program_path();
// The program's path; empty: not there.
[[nodiscard]] std::string find_program(const std::string& name);
// PrivateDir::replace(), or StartError.
void replace_or_throw(const PrivateDir& dir, const std::string& name, const std::string& bytes);

}  // namespace bide
