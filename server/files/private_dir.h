// server/files/private_dir.h: A folder that belongs to this user alone, and the small files in it.
//
// An attacker who can write to a program's state folder could make it read planted files, or write
// through a symbolic link. So the folder is opened once, and the opened folder is checked: it is no
// link, it belongs to the user of this process, and no other user may write to it. Files in it are
// opened by their name alone and checked in the same way.
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
  // The error and its remedy, in one line.
  struct Fault {
    std::string text;
  };

  [[nodiscard]] static std::variant<PrivateDir, Fault> open(const std::filesystem::path& path);
  // The same, but creates the folder (mode 0700) and its parents if they are missing.
  [[nodiscard]] static std::variant<PrivateDir, Fault> make(const std::filesystem::path& path);
  [[nodiscard]] std::variant<PrivateDir, Fault> make_inside(const std::string& name) const;

  PrivateDir(PrivateDir&& other) noexcept;
  PrivateDir& operator=(PrivateDir&& other) noexcept;
  ~PrivateDir();

  // For messages, and for programs that are given the path.
  [[nodiscard]] std::filesystem::path path_of(std::string_view name) const { return path_ / name; }

  // `flags` as for open(2). A new file gets mode 0600. -1: see errno; EPERM means that it is no
  // regular file or does not belong to this user alone.
  [[nodiscard]] int open_file(const std::string& name, int flags) const;
  // nullopt: the file cannot be opened, or is empty.
  [[nodiscard]] std::optional<std::string> first_line(const std::string& name) const;
  // Replaces the file by one with mode 0600 and the content `bytes`. Atomic: a reader sees the old
  // content or the new one.
  [[nodiscard]] std::error_code replace(const std::string& name, std::string_view bytes) const;
  // Whether the name stands for the opened file.
  [[nodiscard]] bool names(const std::string& name, int fd) const;
  // Atomic: replaces `to` if that exists.
  [[nodiscard]] std::error_code rename(const std::string& from, const std::string& to) const;
  // Does nothing if there is no such file.
  void remove(const std::string& name) const;

 private:
  PrivateDir(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}
  [[nodiscard]] static std::variant<PrivateDir, Fault> open_at(int parent, const std::string& name,
                                                               const std::filesystem::path& path);

  int fd_ = -1;
  std::filesystem::path path_;
};

}  // namespace bide
