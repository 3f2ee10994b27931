// bench/load/main.cc: bide-load: many clients follow jobs on a running bide while events are
// written on a schedule that nothing can slow down.
#include <cstdio>
#include <span>
#include <variant>

#include "bench/load/options.h"
#include "bench/load/run.h"

int main(int argc, char** argv) {
  using namespace bench::load;
  const std::span<char* const> arguments(argv, static_cast<std::size_t>(argc));
  const auto read = read_options(arguments.subspan(1));
  if (const auto* const ending = std::get_if<Ending>(&read)) {
    std::fputs(ending->text.c_str(), ending->exit_code == 0 ? stdout : stderr);
    return ending->exit_code;
  }
  return run(std::get<Options>(read));
}
