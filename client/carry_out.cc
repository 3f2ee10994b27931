#include "client/carry_out.h"

#include <exception>

namespace bide {

int carry_out(const Command& command, std::span<const std::string> args,
              const std::function<int(const Arguments&)>& act) {
  try {
    const auto parsed = Arguments::parse(args, command);
    if (const auto* end = std::get_if<UsageError>(&parsed)) return finish(command.name, *end);
    return act(std::get<Arguments>(parsed));
  } catch (const std::exception& error) {
    return fail(command.name, ExitCode::kBideFailed, error.what());
  }
}

}  // namespace bide
