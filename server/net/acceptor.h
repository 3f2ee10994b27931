// server/net/acceptor.h: Accepts clients on all listening sockets, with one thread, and gives them
// to the front.
//
// It pauses while descriptors are short (server/net/descriptor_reserve.h): further clients wait in
// the kernel.
//
// Thread safety: listen(), start() and stop() from one thread.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/base/stop_signal.h"
#include "server/files/descriptor.h"
#include "server/net/front.h"
#include "server/net/listener.h"

namespace bide {

class Acceptor {
 public:
  explicit Acceptor(Front& front);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Before start(). Clients that connect from now on wait until start(). Returns the address, with
  // the port that was taken. Throws StartError (server/net/listener.h).
  ListenAddress listen(const ListenAddress& address, mode_t unix_mode = 0600);
  void start();
  // Gives the front those who are connected or about to be, and stops listening. Blocks for 20 ms
  // if other machines can connect, and longer while clients come, at most a second. On a socket
  // that systemd has passed, those who connect later wait for the next who listens there.
  void stop();

 private:
  void run();
  // Accepts until nobody waits, or some have come and others should have their turn. nullopt: this
  // socket cannot be used any more; else whether some have come.
  [[nodiscard]] std::optional<bool> accept_some(const Listener& listener);
  void accept_the_last();
  // Blocks while descriptors are short. Returns the same socket, perhaps under another number.
  [[nodiscard]] int below_reserve(int fd);
  // One attempt to listen anew at the same address. Failing is logged.
  void reopen(Listener& listener);

  Front& front_;
  std::deque<Listener> listeners_;
  std::vector<pollfd> watched_;  // Those of the listeners in their order, then `wake_`.
  StopSignal stopping_;
  Descriptor wake_;  // An eventfd: stopping.
  std::thread thread_;
};

}  // namespace bide
