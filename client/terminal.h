// client/terminal.h: The terminal that stderr may be, and leaving it clean.
//
// Thread safety: all functions may be called from any thread.
#pragma once

#include <cstddef>

namespace bide {

[[nodiscard]] bool stderr_is_terminal();
// Colours only where a person looks and has not said no (https://no-color.org).
[[nodiscard]] bool stderr_wants_colour();
// 80 where it cannot be told.
[[nodiscard]] std::size_t stderr_columns();

// From now on SIGINT and SIGTERM end the process at once with 130 and 143, and take the live line
// off the screen if there is one. SIGPIPE is ignored: writing to a closed pipe becomes an error
// that the writer sees. For the life of the process.
void end_on_signals();
void set_live_line(bool shown);

}  // namespace bide
