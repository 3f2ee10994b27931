// client/carry_out.h: From a command's arguments to its exit code, the same for all commands.
//
// Thread safety: one at a time, from main: carry_out_plan() sets signal handlers and the locale.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <variant>

#include "client/arguments.h"
#include "client/screen_text.h"
#include "client/terminal.h"
#include "client/usage.h"

namespace bide {

// Parses `args` by the command's table and returns the exit code of `act`. Returns without calling
// it if the arguments are wrong (prints why) or ask for help (prints it). If an exception is
// thrown, prints its message and returns kBideFailed.
[[nodiscard]] int carry_out(const Command& command, std::span<const std::string> args,
                            const std::function<int(const Arguments&)>& act);

// The same for commands that only read from a server. `plan_of` checks the arguments. Then signals
// end the process, text is shown in the user's locale, and `act` gets the plan.
template <typename Plan>
[[nodiscard]] int carry_out_plan(const Command& command, std::span<const std::string> args,
                                 std::variant<Plan, Misuse> (*plan_of)(const Arguments&),
                                 int (*act)(const Plan&)) {
  return carry_out(command, args, [&](const Arguments& arguments) {
    const std::variant<Plan, Misuse> planned = plan_of(arguments);
    if (const auto* error = std::get_if<Misuse>(&planned)) return fail_usage(command.name, *error);
    end_on_signals();
    use_locale();
    return act(std::get<Plan>(planned));
  });
}

}  // namespace bide
