// server/net/descriptor_reserve.h: The last file descriptors of the process are not for clients.
//
// Who gives the last one to a client cannot connect to NATS again after that went away for a
// moment: the next client in the queue takes what the lost connection has left. So accepting stops
// while kReservedDescriptors are still free, and the clients that come then wait in the kernel.
//
// How many are free nobody counts: the kernel gives every new descriptor the lowest number that is
// free, so a number close to the limit says that all below are taken.
//
// Thread safety: all functions may be called from any thread.
#pragma once

#include <cstddef>

namespace bide {

// Enough for NATS, the start of a nats-server, and looking up names. Where the limit is below four
// times this, it is a fourth of the limit.
inline constexpr int kReservedDescriptors = 32;

// How many descriptors there are below the reserve.
[[nodiscard]] std::size_t descriptors_for_clients();

// Whether this descriptor is none of the reserve. The limit is asked for each time: it may be
// changed from outside (prlimit).
[[nodiscard]] bool is_below_reserve(int fd);

// The same socket under a number below the reserve, or under its own where there is none. Closes
// the number it does not return.
[[nodiscard]] int moved_below_reserve(int fd);

}  // namespace bide
