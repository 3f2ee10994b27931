// bench/probe/main.cc: bide-probe ROW --name value…: measures one thing of one running server.
// bench/compare starts the servers and calls this; by hand it is of use for profiling.
#include <array>
#include <cstdio>
#include <string>
#include <string_view>

#include "bench/kit/address.h"
#include "bench/probe/rows.h"

namespace bench {

void print(const char* name, double value) { std::printf("%s %.9g\n", name, value); }

}  // namespace bench

int main(int argc, char** argv) {
  struct Row {
    std::string_view name;
    void (*measure)(const bench::Options&);
  };
  constexpr std::array<Row, 8> kRows = {{{"wake", bench::measure_wake},
                                         {"notify", bench::measure_notify},
                                         {"idle", bench::measure_idle},
                                         {"churn", bench::measure_churn},
                                         {"burst", bench::measure_burst},
                                         {"fill", bench::fill_bucket},
                                         {"publish", bench::measure_publish},
                                         {"drain", bench::measure_drain}}};
  const std::string_view wanted = argc > 1 ? argv[1] : "";
  for (const Row& row : kRows) {
    if (row.name != wanted) continue;
    row.measure(bench::Options(argc - 2, argv + 2));
    return 0;
  }
  bench::die("expected wake, notify, idle, churn, burst, fill, publish or drain, got: " +
             std::string(wanted));
}
