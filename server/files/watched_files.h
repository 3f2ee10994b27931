// server/files/watched_files.h: Which files have changed since last asked, by what stat(2) says.
//
// No thread and no inotify: a mounted secret changes by a symbolic link far above it, and one stat
// a second and file is nothing. Changed means another device, inode, size, time of modification or
// of change (for a file that was made readable, or replaced by one as old); links are followed.
//
// Thread safety: none; belongs to one thread.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace bide {

class WatchedFiles {
 public:
  // To be made before the files are read, so that no change falls between.
  explicit WatchedFiles(std::vector<std::filesystem::path> files);

  // One stat a file. A file that is missing is one being replaced: no change until it is back.
  [[nodiscard]] std::vector<std::filesystem::path> take_changed();

 private:
  using Stamp = std::array<std::int64_t, 7>;
  struct Watched {
    std::filesystem::path path;
    std::optional<Stamp> stamp;  // Of when it was last seen.
  };

  static std::optional<Stamp> stamp_of(const std::filesystem::path& file);

  std::vector<Watched> files_;
};

}  // namespace bide
