// client/terminal.h: The terminal at stderr or stdout, if there is one: its abilities, and how to
// leave it clean.
//
// Thread safety: all functions may be called from any thread.
#pragma once

#include <cstddef>

namespace bide {

[[nodiscard]] bool stderr_is_terminal();
[[nodiscard]] bool stdout_is_terminal();
// True on a terminal, unless the user has switched colours off (https://no-color.org).
[[nodiscard]] bool stderr_wants_colour();
// The width of the terminal: COLUMNS if that is set, 80 if it is unknown.
[[nodiscard]] std::size_t stderr_columns();
[[nodiscard]] std::size_t stdout_columns();

// From now on SIGINT and SIGTERM end the process at once with 130 and 143, and erase the live line
// if there is one. SIGPIPE is ignored, so that writing to a closed pipe returns an error. This
// holds for the life of the process.
void end_on_signals();
void set_live_line(bool shown);

}  // namespace bide
