// server/nats/embedded/data_dir.h: Prepares the files of an embedded nats-server; their layout is
// in server/nats/embedded/embedded_nats.h.
//
// Thread safety: none; one thread uses it. The functions block on the disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "server/files/private_dir.h"

namespace bide {

// Locks the lock file; closing the descriptor releases it. Blocks up to `patience` for a
// nats-server that is still ending or for a bide in another container, but not for one that is seen
// to run. Throws StartError.
[[nodiscard]] int lock_data_dir(const PrivateDir& dir, std::chrono::milliseconds patience);

// The port in the file if it is free, otherwise any free one, which is written to the file.
[[nodiscard]] std::uint16_t choose_port(const PrivateDir& dir, const std::string& name);
// The token in the file, or a new one, which is written to the file: 32 random hex digits.
[[nodiscard]] std::string choose_token(const PrivateDir& dir, const std::string& name);
// Opens nats-server's log for appending, and reserves room in it. A log of more than 10 MB is
// emptied. Throws StartError.
[[nodiscard]] int open_log(const PrivateDir& dir, const std::string& name);
// Reserves 64 KiB behind the end of the log, where the file system can, for what nats-server says
// when the disk is full.
void reserve_log(int fd);
// In bytes; 0: not known.
[[nodiscard]] std::uintmax_t log_size(int fd);
// Whether nats-server says, in the whole lines from `from` on, that a stream cannot be written to
// any more. `from` becomes the end of those lines.
[[nodiscard]] bool log_tells_write_error(const std::filesystem::path& file, std::uintmax_t& from);
// The last lines of a log, joined by ` | `, for an error message.
[[nodiscard]] std::string tail_of(const std::filesystem::path& file);
// The folders in which programs are searched: PATH, then those of an administrator's PATH.
[[nodiscard]] std::string program_path();
// The program's path. Empty: not found.
[[nodiscard]] std::string find_program(const std::string& name);
// PrivateDir::replace(). Throws StartError if it fails.
void replace_or_throw(const PrivateDir& dir, const std::string& name, const std::string& bytes);

}  // namespace bide
