// server/files/watched_files.h: Finds files that have changed since the last call, by stat(2).
//
// There is no thread and no inotify: a mounted secret changes by a symbolic link far above it, and
// one stat for each file and second costs almost nothing. A file has changed if its device, inode,
// size, time of modification or time of change differs. The last one shows files that became
// readable, and replacements of the same age. Links are followed.
//
// Thread safety: none; belongs to one thread.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

namespace bide {

class WatchedFiles {
 public:
  // Create it before the files are read, so that no change is missed in between.
  explicit WatchedFiles(std::vector<std::filesystem::path> files);

  // Makes one stat for each file. A missing file is probably being replaced, and counts as changed
  // only when it is back.
  [[nodiscard]] std::vector<std::filesystem::path> take_changed();

 private:
  using Stamp = std::array<std::int64_t, 7>;
  static std::optional<Stamp> stamp_of(const std::filesystem::path& file);

  // With their stamps of when they were last seen.
  std::vector<std::pair<std::filesystem::path, std::optional<Stamp>>> files_;
};

}  // namespace bide
