// bench/story/main.cc: bide-story: one story, followed by one road. bench/evaluate runs it.
#include <span>

#include "bench/story/options.h"
#include "bench/story/run.h"

int main(int argc, char** argv) {
  const std::span<char* const> arguments(argv, static_cast<std::size_t>(argc));
  return bench::story::run(bench::story::read_options(arguments.subspan(1)));
}
