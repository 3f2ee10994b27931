#include "client/terminal.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "client/display.h"
#include "core/base/terminal_width.h"

namespace bide {
namespace {

std::atomic<bool> live_line_shown{false};
static_assert(std::atomic<bool>::is_always_lock_free, "read in a signal handler");

// Ends without unwinding, because other threads may be anywhere. Nothing is lost on stdout, which
// is written line by line.
extern "C" void leave_on_signal(int signal_number) {
  if (live_line_shown.load(std::memory_order_relaxed)) {
    const ssize_t ignored = ::write(STDERR_FILENO, kEraseLine.data(), kEraseLine.size());
    static_cast<void>(ignored);
  }
  ::_exit(128 + signal_number);
}

}  // namespace

bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }
bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

bool stderr_wants_colour() {
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const term = std::getenv("TERM");
  const bool refused = no_color != nullptr && *no_color != '\0';
  return stderr_is_terminal() && !refused && (term == nullptr || std::string_view(term) != "dumb");
}

std::size_t stderr_columns() { return columns_of(STDERR_FILENO); }
std::size_t stdout_columns() { return columns_of(STDOUT_FILENO); }

void end_on_signals() {
  struct sigaction action {};
  action.sa_handler = leave_on_signal;
  sigfillset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

void set_live_line(bool shown) { live_line_shown.store(shown, std::memory_order_relaxed); }

}  // namespace bide
