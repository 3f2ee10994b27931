// server/net/listener.h: A socket that listens for clients, over TCP or on a Unix socket.
//
// Thread safety: none; it belongs to one thread at a time.
#pragma once

#include <sys/types.h>

#include "core/base/listen_address.h"

namespace bide {

class Listener {
 public:
  // Binds and listens, or takes over the socket that systemd has passed. `unix_mode`: the
  // permissions of a Unix socket, which nobody gets more of while it is made. A Unix socket on
  // which nobody listens any more is replaced.
  //
  // Throws StartError, which says what is wrong and what to do (address in use, no such address,
  // not permitted).
  Listener(const ListenAddress& address, mode_t unix_mode);
  // Stops listening. Removes a Unix socket, unless another program has replaced it or systemd has
  // passed it.
  ~Listener();
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&&) = delete;

  // Does not block in accept(2). -1: closed.
  [[nodiscard]] int fd() const { return fd_; }
  // With the port that was taken if any free one was wanted.
  [[nodiscard]] const ListenAddress& address() const { return address_; }

  // Nobody can begin to connect from now on, and those who have begun can still be accepted.
  // Closing at once would reset them. A TCP client that comes now tries again after a second.
  void turn_away_newcomers() noexcept;
  // Stops listening, as the destructor does.
  void close() noexcept;
  // After close(): listens at the same address again. Throws StartError, and stays closed then.
  void open();

 private:
  void remove_path() noexcept;

  ListenAddress address_;
  mode_t unix_mode_;
  int fd_ = -1;
  dev_t device_ = 0;  // Of the Unix socket that this object has made, and its inode.
  ino_t inode_ = 0;
};

// The address of a socket that listens for streams. Throws StartError if `fd` is none.
[[nodiscard]] ListenAddress passed_address(int fd);

}  // namespace bide
