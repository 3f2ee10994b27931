// bench/micro/steps_client.h: The client of bide-steps: asks on one connection, one request after
// the other, and looks at every answer.
//
// Thread safety: none; one thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace bide::bench {

enum class Operation {
  kNotModified,  // A conditional request, answered 304.
  kParkAndWake,  // A request that is parked, woken by an event, and answered 200.
};
[[nodiscard]] std::optional<Operation> operation_from_word(std::string_view word);

// Jobs that a server needs for so many steps.
[[nodiscard]] std::size_t jobs_for(Operation operation, std::size_t steps);

// Blocks until all answers are here. False: one was not as it should be, or none came.
[[nodiscard]] bool run_steps(int fd, Operation operation, std::size_t steps);

}  // namespace bide::bench
