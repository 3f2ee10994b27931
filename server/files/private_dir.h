// server/files/private_dir.h: A folder that is this user's alone, and the small files in it.
//
// Whoever can write where a program keeps its state can have it read what they planted, or write
// where a symbolic link leads. So the folder is opened once, and what was opened is checked: it is
// no link, it belongs to this process's user, and nobody else may write it. Files are opened in
// there by their name alone, and are held to the same.
//
// Thread safety: const methods may be called from any thread; all block on the disk.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>

namespace bide {

class PrivateDir {
 public:
  // What is wrong, and what to do about it: one line.
  struct Fault {
    std::string text;
  };

  [[nodiscard]] static std::variant<PrivateDir, Fault> open(const std::filesystem::path& path);
  // The same, and creates it (mode 0700) with its parents where it is missing.
  [[nodiscard]] static std::variant<PrivateDir, Fault> make(const std::filesystem::path& path);
  [[nodiscard]] std::variant<PrivateDir, Fault> make_inside(const std::string& name) const;

  PrivateDir(PrivateDir&& other) noexcept;
  PrivateDir& operator=(PrivateDir&& other) noexcept;
  ~PrivateDir();

  // For people, and for programs that are told of it.
  [[nodiscard]] std::filesystem::path path_of(std::string_view name) const { return path_ / name; }

  // `flags` as for open(2); a file that is created has mode 0600. -1: errno says why; EPERM: it is
  // no regular file, or not this user's alone.
  [[nodiscard]] int open_file(const std::string& name, int flags) const;
  // nullopt: it cannot be opened, or there is nothing in it.
  [[nodiscard]] std::optional<std::string> first_line(const std::string& name) const;
  // Replaces the file by one of mode 0600 that holds `bytes`. Atomic: a reader sees the old content
  // or the new one.
  [[nodiscard]] std::error_code replace(const std::string& name, std::string_view bytes) const;

 private:
  PrivateDir(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}
  [[nodiscard]] static std::variant<PrivateDir, Fault> open_at(int parent, const std::string& name,
                                                               const std::filesystem::path& path);

  int fd_ = -1;
  std::filesystem::path path_;
};

}  // namespace bide
