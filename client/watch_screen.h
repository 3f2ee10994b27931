// client/watch_screen.h: `bide watch` on a terminal: draws a WatchView with ncurses.
//
// Thread safety: once in a process, from main.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/api_access.h"
#include "client/job_follower.h"

namespace bide {

struct WatchEnd {
  int exit_code = 0;
  std::string complaint;  // Empty: none.
};
// Blocks until the user leaves or the server refuses. Leaves the terminal as it was, also on
// SIGINT, SIGTERM, SIGHUP and SIGQUIT. nullopt: ncurses cannot use this terminal; nothing happened.
[[nodiscard]] std::optional<WatchEnd> watch_on_screen(
    const ApiAccess& access, const std::vector<std::string>& ids,
    const std::vector<JobFollower::Target>& targets, bool colour);

}  // namespace bide
