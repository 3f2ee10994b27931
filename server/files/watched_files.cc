#include "server/files/watched_files.h"

#include <sys/stat.h>

#include <utility>

namespace bide {

WatchedFiles::WatchedFiles(std::vector<std::filesystem::path> files) {
  files_.reserve(files.size());
  for (std::filesystem::path& file : files) {
    std::optional<Stamp> stamp = stamp_of(file);
    files_.emplace_back(std::move(file), stamp);
  }
}

std::vector<std::filesystem::path> WatchedFiles::take_changed() {
  std::vector<std::filesystem::path> changed;
  for (auto& [file, last] : files_) {
    const std::optional<Stamp> stamp = stamp_of(file);
    if (!stamp || stamp == last) continue;
    last = stamp;
    changed.push_back(file);
  }
  return changed;
}

std::optional<WatchedFiles::Stamp> WatchedFiles::stamp_of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return std::nullopt;
  return Stamp{static_cast<std::int64_t>(status.st_dev),
               static_cast<std::int64_t>(status.st_ino),
               status.st_size,
               status.st_mtim.tv_sec,
               status.st_mtim.tv_nsec,
               status.st_ctim.tv_sec,
               status.st_ctim.tv_nsec};
}

}  // namespace bide
