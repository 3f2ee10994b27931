// Requests parked and woken in the table, without sockets, while 10,000 others stay parked.
//
// A wake needs two switches of threads, which cost more than the work and depend on the machine:
// bide-steps counts the work alone.
#include <benchmark/benchmark.h>
#include <semaphore.h>

#include <ctime>
#include <deque>
#include <vector>

#include "bench/micro/due_times.h"
#include "bench/micro/worker_entries.h"
#include "core/table/job_table.h"

namespace bide::bench {
namespace {

constexpr std::size_t kOthers = 10'000;
constexpr Epoch kEpoch = 1'769'860'800'123'456'789;

class ParkedRequest final : public Waiter {
 public:
  explicit ParkedRequest(TimePoint deadline) {
    ::sem_init(&answered_, 0, 0);
    terms.condition = Condition::done();
    terms.deadline = deadline;
  }
  [[nodiscard]] bool present(std::uint64_t) const noexcept override { return true; }
  [[nodiscard]] bool try_claim() noexcept override { return true; }
  void answer(Outcome, std::shared_ptr<const Snapshot>) noexcept override {
    ::sem_post(&answered_);
  }
  void lose() noexcept override {}

  // False: no answer within ten seconds.
  [[nodiscard]] bool wait_answer() {
    timespec end{};
    ::clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += 10;
    return ::sem_clockwait(&answered_, CLOCK_MONOTONIC, &end) == 0;
  }

 private:
  sem_t answered_;  // Not std::binary_semaphore: that one spins first, on the notifier's core.
};

// A table of started jobs; the first 10,000 of them have a waiter.
class BusyTable {
 public:
  explicit BusyTable(std::size_t jobs_more) {
    const std::size_t jobs = kOthers + jobs_more;
    BucketRead read(jobs);
    for (std::size_t i = 0; i < jobs; ++i) {
      for (const Entry& entry : started_job(job_id(i), 1 + 4 * i)) {
        full_ = full_ || !read.absorb(entry);
      }
    }
    table.install(std::move(read), kEpoch, std::chrono::nanoseconds(0));
    for (std::size_t i = 0; i < kOthers; ++i) park(job_id(i), others_.emplace_back(due.next()));
  }
  ~BusyTable() { table.close(); }

  void park(std::string_view id, ParkedRequest& request) {
    Look look;
    full_ = full_ || table.park(id, request, 0, system_clock().now(), look) != Parked::kParked;
  }
  // Something was refused, so the measurement means nothing.
  [[nodiscard]] bool full() const { return full_; }

  DueTimes due;
  JobTable table{system_clock(), {}, nullptr};

 private:
  bool full_ = false;
  std::deque<ParkedRequest> others_;
};

void park_and_unpark(benchmark::State& state) {
  BusyTable busy(1);
  const std::string id = job_id(kOthers);
  ParkedRequest request(busy.due.next());
  for (auto _ : state) {
    busy.park(id, request);
    busy.table.unpark(id, request);
  }
  if (busy.full()) state.SkipWithError("not everything was parked");
}
BENCHMARK(park_and_unpark);

// What does not park because its condition holds: a look at the job, and no more.
void park_when_ready(benchmark::State& state) {
  BusyTable busy(1);
  const std::string id = job_id(kOthers);
  ParkedRequest request(busy.due.next());
  request.terms.condition = Condition::exists();
  for (auto _ : state) {
    Look look;
    const Parked parked = busy.table.park(id, request, 0, system_clock().now(), look);
    if (parked != Parked::kReady) return state.SkipWithError("the job should exist");
    benchmark::DoNotOptimize(look);
  }
}
BENCHMARK(park_when_ready);

// Each wake has a job of its own, since an event makes a job larger.
constexpr std::int64_t kWakes = 10'000;

void park_and_wake(benchmark::State& state) {
  BusyTable busy(kWakes);
  std::vector<Entry> events;
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < kWakes; ++i) {
    ids.push_back(job_id(kOthers + i));
    events.push_back(completion_of(ids.back(), 1'000'000 + i));
  }
  ParkedRequest request(busy.due.next());
  std::size_t next = 0;
  for (auto _ : state) {
    busy.park(ids[next], request);
    benchmark::DoNotOptimize(busy.table.apply(events[next]));
    if (!request.wait_answer()) return state.SkipWithError("not woken");
    ++next;
  }
  if (busy.full()) state.SkipWithError("not everything was parked");
}
BENCHMARK(park_and_wake)->Iterations(kWakes)->UseRealTime();

}  // namespace
}  // namespace bide::bench
