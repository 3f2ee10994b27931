// server/net/descriptor_reserve.h: The last file descriptors of the process are not for clients.
//
// If clients could take the last descriptor, bide could not connect to NATS again after a short
// outage: the next client in the queue would take the descriptor of the lost connection. So
// accepting stops while kReservedDescriptors are still free, and further clients wait in the
// kernel.
//
// Free descriptors are not counted. The kernel gives every new descriptor the lowest free number,
// so a number close to the limit means that all below are taken.
//
// Thread safety: all functions may be called from any thread.
#pragma once

#include <cstddef>

namespace bide {

// Enough for NATS, the start of a nats-server, and looking up names. If the limit is below four
// times this, the reserve is a fourth of the limit.
inline constexpr int kReservedDescriptors = 32;

// How many descriptors there are below the reserve.
[[nodiscard]] std::size_t descriptors_for_clients();

// Whether this descriptor is below the reserve. Reads the limit each time, because it may be
// changed from outside (prlimit).
[[nodiscard]] bool is_below_reserve(int fd);

// Returns the same socket under a number below the reserve, or under its own number if none is
// free. Closes the number that it does not return.
[[nodiscard]] int moved_below_reserve(int fd);

}  // namespace bide
