// client/unix_socket.h: Connects to a Unix socket.
//
// Thread safety: may be called from any thread.
#pragma once

#include <string>

namespace bide {

// Connects a stream socket, within 5 s. Returns 0, and then the caller owns `fd`; or errno, which
// is EAGAIN if the server did not accept in time.
[[nodiscard]] int connect_to_unix(const std::string& path, int& fd);

}  // namespace bide
