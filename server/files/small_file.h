// server/files/small_file.h: Reads a whole file: settings, keys, credentials, tokens.
//
// Thread safety: may be called from any thread; blocks on the disk.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace bide {

// The content may be a secret. It is wiped when destroyed, and cannot be copied, so that there is
// only one place to wipe.
class FileText {
 public:
  FileText() = default;
  explicit FileText(std::string bytes) : bytes_(std::move(bytes)) {}
  ~FileText();
  FileText(FileText&& other) noexcept = default;
  FileText& operator=(FileText&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  FileText(const FileText&) = delete;
  FileText& operator=(const FileText&) = delete;

  [[nodiscard]] std::string_view text() const { return bytes_; }

 private:
  std::string bytes_;
};

struct Unreadable {
  std::string why;  // `No such file or directory`, `not a regular file`, `larger than 1 MiB`.
};

struct FileLimits {
  std::size_t bytes_max = 1 << 20;  // Whole MiB.
  // For files that are read again when they change. A pipe cannot be.
  bool regular_only = false;
};

// Follows links. Reads pipes and descriptors (`/dev/fd/63`) to their end, unless `regular_only`. A
// pipe without a writer is empty; this does not wait for one.
[[nodiscard]] std::variant<FileText, Unreadable> read_small_file(const std::filesystem::path& path,
                                                                 FileLimits limits = {});

}  // namespace bide
