// server/files/small_file.h: A file that is read as a whole: settings, keys, credentials, tokens.
//
// Thread safety: values and pure functions over the file system; they block on the disk.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace bide {

// It may be a secret: wiped when it dies, and not copied, so that there is only one to wipe.
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
  // For what is read again when it changes, which a pipe cannot be.
  bool regular_only = false;
};

// Links are followed. Pipes and descriptors (`/dev/fd/63`) are read to their end, unless
// `regular_only`; one that nobody writes to is empty and not waited for.
[[nodiscard]] std::variant<FileText, Unreadable> read_small_file(const std::filesystem::path& path,
                                                                 FileLimits limits = {});

}  // namespace bide
