// server/files/small_file.h: A file that is read as a whole: keys, credentials, contexts.
//
// Thread safety: pure functions over the file system; they block on the disk.
#pragma once

#include <filesystem>
#include <string>
#include <variant>

namespace bide {

struct Unreadable {
  std::string why;  // `No such file or directory`, `empty`, `a directory`, `larger than 1 MiB`.
};

// The bytes, at least one, at most 1 MiB. Pipes and descriptors (`/dev/fd/63`) will do.
[[nodiscard]] std::variant<std::string, Unreadable> read_small_file(
    const std::filesystem::path& path);

}  // namespace bide
