#include "server/net/http_server.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <thread>
#include <utility>

#include "core/base/start_error.h"
#include "server/log/log.h"
#include "server/net/descriptor_reserve.h"

namespace bide {
namespace {

// httplib wants to run what it accepted on a pool. Handing a socket to epoll is two system calls,
// less than waking a thread for it, so the accepting thread does that itself. Requests run on Pool,
// of which httplib knows nothing.
class AcceptThread final : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> task) override { task(); }
  void shutdown() override {}
};

// How much the kernel takes of a response beyond what its client has room for. By default it takes
// 2 MB for a client that does not read, and the time to copy them: 500 such clients kept all others
// waiting for four seconds. A smaller SO_SNDBUF instead would make fast readers wait for delayed
// acknowledgements.
constexpr int kUnsentBytesMax = 65'536;

// For the listening socket; those that are accepted inherit the second.
void set_options(socket_t socket) {
  // SO_REUSEADDR alone. httplib's default adds SO_REUSEPORT, with which a second server on the same
  // port starts silently and takes half of the clients.
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentBytesMax, sizeof kUnsentBytesMax);
}

// While descriptors are short: how often to look whether one has become free.
constexpr std::chrono::milliseconds kReservePause{10};
constexpr int kPausesPerLook = 20;

std::string advice(int error) {
  switch (error) {
    case EADDRINUSE:
      return "another program listens there; stop it or choose another --listen";
    case EACCES:
      return "not permitted; ports below 1024 need a privilege, choose another --listen";
    case EADDRNOTAVAIL:
      return "this machine has no such address; check --listen";
    default:
      return "check --listen";
  }
}

}  // namespace

HttpServer::HttpServer(Front& front) : front_(front) {
  new_task_queue = [] { return new AcceptThread; };
  set_socket_options(set_options);
}

std::uint16_t HttpServer::bind(const std::string& host, std::uint16_t port) {
  errno = 0;
  int bound = port;
  if (port == 0) {
    bound = bind_to_any_port(host);
  } else if (!bind_to_port(host, port)) {
    bound = -1;
  }
  if (bound < 0) {
    const int error = errno;
    throw StartError("cannot listen on " + host + " port " + std::to_string(port) + ": " +
                     (error != 0 ? std::strerror(error) : "the name does not resolve") + "; " +
                     advice(error));
  }
  // httplib listens with a backlog of 5, baked into its library: a burst of 1,000 connects took
  // 126 s. Listening again only changes the backlog.
  ::listen(svr_sock_, SOMAXCONN);
  return static_cast<std::uint16_t>(bound);
}

bool HttpServer::serve() { return listen_after_bind(); }

// Runs on the accept thread, so waiting in here stops accepting; further clients wait in the
// kernel.
bool HttpServer::process_and_close_socket(socket_t socket) {
  ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
  ::fcntl(socket, F_SETFD, FD_CLOEXEC);
  bool told = false;
  for (int pauses = 0; !is_below_reserve(socket) && svr_sock_ != INVALID_SOCKET; ++pauses) {
    // Looking for idle connections takes longer than looking at the descriptor.
    if (pauses % kPausesPerLook != 0 || !front_.make_room()) {
      if (!std::exchange(told, true)) {
        static LogLimit limit;
        log_warn_limited(
            limit, "out of file descriptors; new clients wait until others leave (see ulimit -n)",
            {{"connections", std::uint64_t{front_.connections()}}});
      }
      std::this_thread::sleep_for(kReservePause);
    }
    socket = moved_below_reserve(socket);
  }
  front_.adopt(socket);
  return true;
}

}  // namespace bide
