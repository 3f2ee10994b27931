// server/peer.h: Who is at the other end of a socket, asked of the kernel: most requests need no
// name for their client, so none is kept.
//
// Thread safety: pure functions but for one system call, which does not block.
#pragma once

#include <cstdint>
#include <string>

namespace bide {

// `127.0.0.1:40000`, `[::1]:40000`; empty: it is gone.
[[nodiscard]] std::string peer_name(int fd);

// A number for its address: all of an IPv4 address, of an IPv6 address the /64 that one customer
// has at least (RFC 6177). Never 0.
[[nodiscard]] std::uint64_t hash_of_peer(int fd);

}  // namespace bide
