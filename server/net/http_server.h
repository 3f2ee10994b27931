// server/net/http_server.h: Our httplib::Server: httplib binds, listens and accepts; the sockets go
// to the front.
//
// This is the one file, with its .cc, that knows httplib's inside (version 0.11.4): the protected
// listening socket, the virtual that gets an accepted one, the accept loop's task queue.
//
// Thread safety: bind() and serve() from one thread, stop() from any other.
#pragma once

#include <httplib.h>

#include <cstdint>
#include <string>

#include "server/net/front.h"

namespace bide {

class HttpServer final : public httplib::Server {
 public:
  explicit HttpServer(Front& front);

  // Binds and listens; `port` 0 takes any free one. Returns the port. Throws StartError, which says
  // what is wrong and what to do (port in use, no such address, not permitted).
  [[nodiscard]] std::uint16_t bind(const std::string& host, std::uint16_t port);
  // Accepts until stop(), and pauses while descriptors are short (server/net/descriptor_reserve.h).
  // True: stopped. False: the kernel refused to go on.
  [[nodiscard]] bool serve();

 private:
  bool process_and_close_socket(socket_t socket) override;

  Front& front_;
};

}  // namespace bide
