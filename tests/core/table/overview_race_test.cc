// Changes, readers, waiters, hang-ups and full reads of the bucket at the same time. Run it under
// the thread sanitizer.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <future>
#include <map>
#include <string>
#include <vector>

#include "core/table/job_sets.h"
#include "core/table/overview.h"
#include "tests/core/job/entries.h"
#include "tests/core/parking/test_waiter.h"
#include "tests/eventually.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::defined;
using testing::deleted;
using testing::eventually;
using testing::happened;
using testing::whole_json;

constexpr Epoch kEpoch = 7;
constexpr std::size_t kJobs = 6;

std::string job(std::size_t number) { return "job-" + std::to_string(number % kJobs); }

// The only writer of the bucket. Jobs go through their whole life again and again; now and then the
// bucket is read again.
class Writer {
 public:
  explicit Writer(JobTable& table) : table_(table) { table.install(BucketRead(100), kEpoch, 0s); }

  // Writes until so many requests are answered. False: an entry was rejected.
  bool write_until(const std::atomic<int>& answers, int answers_min) {
    bool taken = true;
    const auto end = std::chrono::steady_clock::now() + 20s;
    for (int round = 0; taken && answers.load() < answers_min; ++round) {
      if (std::chrono::steady_clock::now() > end) return false;
      for (std::size_t i = 0; i < kJobs; ++i) {
        const Entry definition = defined(job(i), 1);
        const Entry started = happened(job(i), ++revision_, EventKind::kStarted, "a");
        taken = put(started) && taken;
        taken = put(defined(job(i), ++revision_)) && taken;
        const Entry failed = happened(job(i), ++revision_, EventKind::kFailed, "b");
        taken = put(failed) && taken;
        if (i % 2 == 0) taken = put(deleted(definition, ++revision_)) && taken;
        taken = put(deleted(started, ++revision_)) && taken;
        taken = put(deleted(failed, ++revision_)) && taken;
      }
      if (round % 10 == 9) install();
    }
    for (std::size_t i = 0; i < kJobs; ++i) taken = put(defined(job(i), ++revision_)) && taken;
    return taken;
  }
  [[nodiscard]] std::uint64_t revision() const { return revision_; }

 private:
  bool put(const Entry& entry) {
    written_.insert_or_assign(entry.job_id + entry.key_rest, entry);
    return table_.apply(entry);
  }
  void install() {
    std::map<Revision, const Entry*> by_revision;
    for (const auto& [key, entry] : written_) by_revision[entry.revision] = &entry;
    BucketRead read(100);
    for (const auto& [revision, entry] : by_revision) REQUIRE(read.absorb(*entry));
    table_.install(std::move(read), kEpoch, 0s);
    // A key that was deleted for good shows only a revision.
    std::erase_if(written_, [](const auto& item) {
      return std::holds_alternative<Deletion>(item.second.what) && !item.second.key_rest.empty();
    });
  }

  JobTable& table_;
  std::map<std::string, Entry> written_;  // The newest of each key.
  Revision revision_ = 0;
};

struct Report {
  int answered = 0;
  int hung_up = 0;
  std::vector<std::string> faults;
};

// Holds requests for a page, coming back with what it was answered, or after a look, or leaving.
Report hold(JobTable& table, const Target& target, const std::atomic<bool>& stop,
            std::atomic<int>& answers, unsigned seed) {
  Report report;
  EntityTag seen;
  while (!stop.load() && report.faults.empty()) {
    seed = seed * 1103515245 + 12345;
    const TimePoint now = system_clock().now();
    if ((seed >> 16 & 3) == 0) seen = table.look(target, {}, now).snapshot->json.tag;
    TestWaiter waiter({}, now + std::chrono::microseconds(seed >> 18 & 4095));
    waiter.terms.seen = *ValidatorList::parse('"' + opaque_tag(seen) + '"');
    Look look;
    Answer answer;
    const Parked parked = table.park(target, waiter, 0, now, look);
    if (parked == Parked::kParked && (seed >> 28 & 3) == 0 && waiter.try_claim()) {
      table.unpark(target, waiter);
      ++report.hung_up;
      continue;
    }
    if (parked == Parked::kParked) {
      const auto got = waiter.wait_answer();
      if (!got) return report.faults.emplace_back("not answered"), report;
      answer = *got;
      ++report.answered;
      ++answers;
    } else {
      answer = {Outcome::kChanged, look.snapshot};
    }
    const EntityTag tag = answer.snapshot->json.tag;
    if (tag.revision < seen.revision) {
      report.faults.push_back(std::to_string(target.index()) + ": " + opaque_tag(tag) + " after " +
                              opaque_tag(seen));
    }
    if (answer.outcome == Outcome::kChanged && tag.hash == seen.hash && tag.epoch == seen.epoch) {
      report.faults.emplace_back("no change");
    }
    seen = tag;
  }
  return report;
}

// Follows the feed, a few jobs at a time, until it has received revision `last`.
struct Follower {
  std::map<std::string, Revision> latest;
  std::vector<std::string> faults;

  void follow(Overview& overview, const std::atomic<Revision>& last, std::size_t jobs_max) {
    EntityTag cursor{kEpoch, 0, 0};
    while (cursor.revision != last.load()) {
      const auto batch = overview.changes_after(cursor, nullptr, jobs_max, 2000).jobs;
      for (const auto& snapshot : batch) {
        if (snapshot->json.tag.revision <= cursor.revision) faults.emplace_back("not ascending");
        cursor = snapshot->json.tag;
        latest[snapshot->job_id] = cursor.revision;
      }
      if (!batch.empty()) continue;
      const TimePoint now = system_clock().now();
      TestWaiter waiter({}, now + 5s);
      waiter.terms.seen = *ValidatorList::parse('"' + opaque_tag(cursor) + '"');
      Look look;
      if (overview.park_on_feed({}, waiter, 0, look) != Parked::kParked) continue;
      const auto answer = waiter.wait_answer();
      if (!answer) return (void)faults.emplace_back("not answered");
      if (answer->outcome == Outcome::kTimeout) return (void)faults.emplace_back("not woken");
    }
  }
};

TEST_CASE("overview: nobody is answered with an older state, and the feed skips nothing") {
  JobTable table(system_clock(), JobTable::Options{.settle = 0ms, .stats_interval = 0ms}, nullptr);
  Overview& overview = table.overview();
  Writer writer(table);
  std::atomic<bool> stop{false};
  std::atomic<Revision> last{UINT64_MAX};
  std::atomic<int> answers{0};
  std::array<std::future<Report>, 6> holders;
  const std::array<Target, 3> targets = {Statistics(), PageQuery{{}, 4, 1},
                                         PageQuery{Status::kFailed, 10, 0}};
  for (unsigned i = 0; i < holders.size(); ++i) {
    holders[i] = std::async(std::launch::async, [&, i] {
      return hold(table, targets[i % targets.size()], stop, answers, i);
    });
  }
  std::array<Follower, 2> followers;
  std::array<std::future<void>, 2> following;
  for (std::size_t i = 0; i < followers.size(); ++i) {
    following[i] = std::async(std::launch::async,
                              [&, i] { followers[i].follow(overview, last, i == 0 ? 2 : 100); });
  }
  // If a follower receives everything before `last` is set, it waits for one more change.
  const bool taken = writer.write_until(answers, 2000);
  last = writer.revision() + 1;
  CHECK(taken);
  CHECK(table.apply(defined(job(0), last.load())));
  for (auto& done : following) done.get();
  stop = true;
  for (auto& holder : holders) {
    const Report report = holder.get();
    for (const auto& fault : report.faults) MESSAGE(fault);
    CHECK(report.faults.empty());
    CHECK(report.answered > 0);
  }
  std::map<std::string, Revision> now;
  for (std::size_t i = 0; i < kJobs; ++i) {
    now[job(i)] = table.look(job(i), {}, {}).snapshot->json.tag.revision;
  }
  const auto text_of = [](const std::map<std::string, Revision>& jobs) {
    std::string text;
    for (const auto& [id, revision] : jobs) text += id + '@' + std::to_string(revision) + ' ';
    return text;
  };
  for (const Follower& follower : followers) {
    CHECK(follower.faults == std::vector<std::string>());
    CHECK(text_of(follower.latest) == text_of(now));
  }
  CHECK(table.parked() == 0);
  table.close();
}

TEST_CASE("overview: jobs that leave by age, amid whole reads of the bucket, leave no trace") {
  JobTable table(system_clock(), JobTable::Options{.stats_interval = 1ms}, nullptr);
  const auto both = std::make_shared<const Selection>(Selection{{"odd=0", "team=ci"}, {}});
  PageQuery labelled;
  labelled.selection = both;
  std::atomic<bool> stop{false};
  auto reader = std::async(std::launch::async, [&] {
    std::size_t bytes = 0;
    while (!stop.load()) {
      bytes += whole_json(table.look(PageQuery{{}, 100, 0}, {}, {}).snapshot).size();
      for (const Selection* const selection :
           {both.get(), static_cast<const Selection*>(nullptr)}) {
        const auto changes = table.overview().changes_after({}, selection, 100, SIZE_MAX);
        for (const auto& job : changes.jobs) bytes += job->json.bytes.size();
      }
      bytes += whole_json(table.look(labelled, {}, {}).snapshot).size();
      bytes += table.sets().select(both).ids.size();
    }
    return bytes;
  });
  Revision revision = 0;
  const auto define = [&](std::chrono::milliseconds age) {
    Definition definition;
    definition.labels = Labels(
        std::map<std::string, std::string>{{"team", "ci"}, {"odd", std::to_string(revision % 2)}});
    Entry entry = defined("job-" + std::to_string(revision + 1), revision + 1, definition);
    entry.written = system_clock().wall_now() - age;
    ++revision;
    return entry;
  };
  bool taken = true;
  for (int round = 0; round < 100; ++round) {
    BucketRead read(1000);
    // Some jobs leave as soon as they are installed, some later.
    for (int i = 0; i < 300; ++i) taken = read.absorb(define(i % 2 == 0 ? 1s : 0s)) && taken;
    table.install(std::move(read), kEpoch, 2ms);
    for (int i = 0; i < 30; ++i) taken = table.apply(define(0s)) && taken;
  }
  CHECK(taken);
  CHECK(eventually([&] { return table.jobs() == 0; }));
  stop = true;
  CHECK(reader.get() > 0);
  const auto page = table.look(PageQuery{{}, 100, 0}, {}, {}).snapshot;
  CHECK(page->json.bytes.starts_with("{\"total_items\":0,"));
  CHECK(table.look(labelled, {}, {}).snapshot->json.bytes.starts_with("{\"total_items\":0,"));
  CHECK(table.memory() == 0);
  CHECK(table.overview().changes_after({}, nullptr, 100, SIZE_MAX).jobs.empty());
  table.close();
}

}  // namespace
}  // namespace bide
