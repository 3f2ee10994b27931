// bench/micro/steps_client.h: The client of bide-steps: asks on one connection, one request after
// the other, and looks at every answer.
//
// Thread safety: none; one thread.
#pragma once

#include <filesystem>

#include "bench/micro/steps.h"

namespace bide::bench {

// The client's descriptors of its server: the listening socket, and the one that takes a byte for
// each event to apply.
struct Ends {
  int listening = -1;
  int events = -1;
};

// Blocks until all answers are here. False: one was not as it should be, or none came.
// `directory`: see steps_credentials.h.
[[nodiscard]] bool run_steps(const Ends& ends, const Order& order,
                             const std::filesystem::path& directory);

}  // namespace bide::bench
