// server/serve.h: `bide serve`: everything put together, run until SIGTERM or SIGINT.
//
// Thread safety: once, from main; it blocks signals for the whole process.
#pragma once

#include <span>
#include <string>

namespace bide {

// `args`: what follows `serve`. Returns the exit code: 0 after a drain, 1 if it cannot start, 2 for
// wrong usage; the reason is one line on stderr.
[[nodiscard]] int run_serve(std::span<const std::string> args);

}  // namespace bide
