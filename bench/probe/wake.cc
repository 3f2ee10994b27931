// Parked memory, fan-out and storm: parks many requests, lets the jobs change, and measures when
// the last client knows.
#include <thread>

#include "bench/probe/crowd.h"
#include "bench/probe/rows.h"
#include "bench/probe/target.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 60s;

}  // namespace

void measure_wake(const Options& options) {
  Target target(options);
  Crowd crowd(options.number("clients", 10'000));
  const std::vector<std::string> jobs = job_names(options, options.number("jobs", 1));
  const std::vector<std::string> tags = target.define(jobs);
  target.process.wait_quiet();
  const std::int64_t memory_before = target.process.pss_bytes();
  const int threads_before = target.process.threads();
  park_all(target, crowd, jobs, tags);
  const auto parked_bytes = static_cast<double>(target.process.pss_bytes() - memory_before);
  print("bytes_per_parked", parked_bytes / crowd.size());
  print("threads_more", target.process.threads() - threads_before);

  Crowd::Time last{};
  int wrong = 0;
  std::size_t bytes = 0;
  const auto cpu_before = target.process.cpu();
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& job : jobs) target.event(job);
  const Crowd::Counts counts =
      crowd.collect(crowd.size(), kPatience, [&](int, const Response& response, Crowd::Time when) {
        last = when;
        bytes = response.head.size() + response.body.size();
        if (response.status != 200) ++wrong;
      });
  print("last_ms", std::chrono::duration<double, std::milli>(last - start).count());
  print("server_cpu_ms",
        std::chrono::duration<double, std::milli>(target.process.cpu() - cpu_before).count());
  print("answered", counts.answered);
  print("lost", crowd.size() - counts.answered);
  print("wrong", wrong);
  print("response_bytes", static_cast<double>(bytes));
}

void measure_idle(const Options& options) {
  Target target(options);
  Crowd crowd(options.number("clients", 18'000));
  const std::vector<std::string> jobs = job_names(options, 1);
  park_all(target, crowd, jobs, target.define(jobs));
  const std::chrono::seconds span(options.number("seconds", 20));
  const auto before = target.process.cpu();
  std::this_thread::sleep_for(span);
  const std::chrono::duration<double> used = target.process.cpu() - before;
  print("cpu_percent", 100 * used.count() / static_cast<double>(span.count()));
}

}  // namespace bench
