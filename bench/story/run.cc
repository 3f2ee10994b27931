#include "bench/story/run.h"

#include <algorithm>
#include <cstdio>

#include "bench/kit/address.h"
#include "bench/story/crowd.h"
#include "bench/story/report.h"
#include "bench/story/scribe.h"

namespace bench::story {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSpareDescriptors = 50;
constexpr auto kReadyPatience = 60s;
// Between the chapters, so that whoever samples the server finds each.
constexpr auto kPause = 500ms;
constexpr auto kLook = 10ms;

TimePoint now() { return std::chrono::steady_clock::now(); }

template <class Holds>
bool wait_until(TimePoint deadline, Holds holds) {
  while (!holds()) {
    if (now() > deadline) return false;
    std::this_thread::sleep_for(kLook);
  }
  return true;
}

void announce(TimePoint begin) {
  std::printf("begin %.3f\n", std::chrono::duration<double>(begin.time_since_epoch()).count());
  std::fflush(stdout);
}

}  // namespace

int run(const Options& options) {
  const Cast& cast = options.cast;
  need_descriptors(cast.clients + cast.dashboards + kSpareDescriptors);
  const Address address(options.server);
  const auto road = load::make_road(options.road, options.times);
  const std::string fields = "Host: " + options.server + "\r\n";
  Scribe scribe(options.nats_url, options.bucket, cast);
  scribe.define_jobs();
  Ledger jobs = Ledger::own_jobs(cast.clients);
  Ledger broadcast = Ledger::one_job(cast.dashboards, cast.clients);
  Crowd waiters("jobs", jobs, address, *road, fields);
  Crowd watchers("dashboards", broadcast, address, *road, fields);
  const std::vector<Crowd*> crowds = {&waiters, &watchers};
  const auto all = [&](bool (Crowd::*holds)() const) {
    return std::ranges::all_of(crowds, [&](Crowd* crowd) { return (crowd->*holds)(); });
  };

  Chapters chapters;
  std::this_thread::sleep_for(kPause);
  chapters.defined = now();
  for (Crowd* const crowd : crowds) crowd->start();
  if (!wait_until(now() + kReadyPatience, [&] { return all(&Crowd::is_ready); })) {
    die("not everybody had a first answer within 60 s");
  }
  std::this_thread::sleep_for(kPause);
  chapters.waiting = now();
  chapters.begin = now() + kPause;
  announce(chapters.begin);
  for (Crowd* const crowd : crowds) crowd->begin_counting(chapters.begin);
  scribe.start(chapters.begin);
  (void)wait_until(chapters.begin + cast.duration + road->drain(),
                   [&] { return scribe.is_over() && all(&Crowd::is_over); });
  chapters.end = now();
  for (Crowd* const crowd : crowds) crowd->stop();
  const std::vector<Written> written = scribe.finish();
  print_report(chapters, written, scribe.lags(), crowds);
  const bool told_all = std::ranges::all_of(crowds, [&](Crowd* crowd) {
    const Knowledge knowledge = crowd->ledger().judge(written);
    return knowledge.never_told + knowledge.backwards == 0;
  });
  return told_all ? 0 : 3;
}

}  // namespace bench::story
