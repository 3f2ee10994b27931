// server/net/transport.h: How a connection's bytes travel: over its socket as they are, or over the
// TLS stream on it.
//
// Nothing here waits: what is not there yet or not taken yet is said so.
//
// Thread safety: the caller owns the connection.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "server/net/connection.h"

namespace bide {

// As recv(2): 0 is the client's FIN or close_notify; -1 with errno EAGAIN: nothing more for now.
// Notes what epoll will not tell of again: input beyond `buffer`, an end behind it.
[[nodiscard]] ssize_t receive(Connection& connection, std::span<char> buffer);

// At least as many pieces as a list has, with its items and what stands between them.
inline constexpr std::size_t kPiecesMax = 1024;  // IOV_MAX
// Bytes taken, of the pieces as if they were one; -1: the client is gone.
[[nodiscard]] ssize_t transmit(Connection& connection, std::span<const std::string_view> pieces);

// What the next receive() would find. With TLS that is noted as if it had come just now.
enum class Ahead : std::uint8_t { kNothing, kInput, kFin, kReset };
[[nodiscard]] Ahead look_ahead(Connection& connection);

// Says that nothing follows. False: the socket has no room for that now.
[[nodiscard]] bool say_end(Connection& connection);

}  // namespace bide
