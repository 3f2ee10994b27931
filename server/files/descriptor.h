// server/files/descriptor.h: Owns a file descriptor and closes it.
//
// Thread safety: none; it belongs to one thread.
#pragma once

#include <unistd.h>

namespace bide {

class Descriptor {
 public:
  // `fd`: the result of open(2); -1 means that it failed, and errno says why.
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int get() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace bide
