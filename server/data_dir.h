// server/data_dir.h: What an embedded nats-server needs on disk, made ready; see
// server/embedded_nats.h for the layout.
//
// Thread safety: functions block on the disk; one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace bide {

// Creates `dir` (mode 0700) with its parents. Throws StartError.
void make_private_dir(const std::filesystem::path& dir);

// Takes the lock file; the descriptor stays open for as long as the lock is wanted. Waits up to
// `patience` for a nats-server that is still ending, not for a bide that is alive. Throws
// StartError.
[[nodiscard]] int lock_data_dir(const std::filesystem::path& dir,
                                std::chrono::milliseconds patience);

// The port of last time if it is free, else any free one; remembered in `file`.
[[nodiscard]] std::uint16_t choose_port(const std::filesystem::path& file);
// 32 hex digits of the kernel's randomness; remembered in `file` (0600).
[[nodiscard]] std::string choose_token(const std::filesystem::path& file);
// Opens nats-server's log for appending; begun anew when over 10 MB. Throws StartError.
[[nodiscard]] int open_log(const std::filesystem::path& file);
// The last lines of a log, joined by ` | `, for an error message.
[[nodiscard]] std::string tail_of(const std::filesystem::path& file);
// The program's path by PATH; empty: not there.
[[nodiscard]] std::string find_program(const std::string& name);
// write_private_file(), or StartError.
void write_or_throw(const std::filesystem::path& file, const std::string& bytes);

}  // namespace bide
