// server/files/descriptor.h: A file descriptor that is closed when its owner dies.
//
// Thread safety: none; it belongs to one thread.
#pragma once

#include <unistd.h>

namespace bide {

class Descriptor {
 public:
  // What open(2) returned; -1 is nothing, and errno says why.
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
