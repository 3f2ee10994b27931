#include "core/job/job.h"
#include "core/job/entry_key.h"

#include <doctest/doctest.h>
#include <array>
#include <set>

#include <algorithm>
#include <array>
#include <ostream>

#include "tests/core/job/entries.h"

using namespace bide;
using namespace bide::testing;

namespace {

using Absorbed = Job::Absorbed;

const Definition kBroadcast = about("jobs.query._all");

}  // namespace

TEST_CASE("job: exists for clients once it is defined") {
  Job job("j");
  CHECK(job.empty());
  CHECK(job.absorb(happened("j", 2, EventKind::kStarted, "a")) == Absorbed::kUnchanged);
  CHECK(job.absorb(responded("j", 3, "a")) == Absorbed::kUnchanged);
  CHECK_FALSE(job.defined());
  CHECK_FALSE(job.empty());
  CHECK(job.written() == wall_second(3));

  CHECK(job.absorb(defined("j", 4, kBroadcast)) == Absorbed::kChanged);
  CHECK(job.defined());
  CHECK(job.status() == Status::kProcessing);
  CHECK(job.revision() == 4);
  CHECK(job.status_revision() == 4);  // There was no visible status before.
  CHECK(job.written() == wall_second(4));

  CHECK(job.absorb(happened("j", 5, EventKind::kCompleted, "a")) == Absorbed::kChanged);
  CHECK(job.status_revision() == 5);
  CHECK(job.written() == wall_second(4));
}

TEST_CASE("job: a lost entry is as if it had never been written") {
  const Entry definition = defined("j", 1, kBroadcast);
  const Entry started = happened("j", 2, EventKind::kStarted, "a");
  const Entry response = responded("j", 3, "a");
  const Entry failed = happened("j", 4, EventKind::kFailed, "a");
  const std::vector<Entry> all = {definition, started, response, failed};
  for (std::size_t i = 0; i < all.size(); ++i) {
    Job job("j"), without("j");
    absorb_all(job, all);
    for (std::size_t k = 0; k < all.size(); ++k) {
      if (k != i) absorb_all(without, {all[k]});
    }
    CHECK(job.holds(all[i]));
    CHECK_FALSE(job.holds(happened("j", 9, EventKind::kStarted, "other")));
    CHECK(job.absorb(lost(all[i], 5)) == Absorbed::kChanged);
    CHECK_FALSE(job.holds(all[i]));
    CHECK(job.absorb(lost(all[i], 6)) == Absorbed::kUnchanged);
    REQUIRE(job.defined() == without.defined());
    if (job.defined()) CHECK(view_of(job) == view_of(without));
    absorb_all(job, {defined("j", 7)});
    absorb_all(without, {defined("j", 7)});
    CHECK(view_of(job) == view_of(without));
  }
}

TEST_CASE("job: an unknown or newer entry cannot be lost") {
  Job job("j");
  const Entry started = happened("j", 3, EventKind::kStarted, "a");
  absorb_all(job, {defined("j", 1), started});
  CHECK(job.absorb(lost(started, 2)) == Absorbed::kUnchanged);
  CHECK(job.absorb(lost(happened("j", 4, EventKind::kStarted, "b"), 5)) == Absorbed::kUnchanged);
  CHECK(job.absorb(lost(responded("j", 3, "a"), 5)) == Absorbed::kUnchanged);
  CHECK(job.revision() == 3);
  // The mark of the deletion is still there.
  absorb_all(job, {deleted(responded("j", 3, "a"), 6)});
  CHECK(job.absorb(lost(started, 7)) == Absorbed::kChanged);
  CHECK(job.revision() == 6);
}

TEST_CASE("job: it removes entries below a revision") {
  Job job("j");
  CHECK(job.oldest() == Job::kNothing);
  absorb_all(job, {responded("j", 2, "a"), happened("j", 3, EventKind::kFailed, "a"),
                   defined("j", 4), happened("j", 5, EventKind::kStarted, "b")});
  CHECK(job.oldest() == 2);
  CHECK(job.let_go(2) == Absorbed::kUnchanged);
  CHECK(job.let_go(4) == Absorbed::kChanged);
  CHECK(job.oldest() == 4);
  CHECK(job.responses().empty());
  CHECK(job.status() == Status::kProcessing);
  CHECK(job.let_go(5) == Absorbed::kChanged);
  CHECK_FALSE(job.defined());
  CHECK(job.let_go(6) == Absorbed::kUnchanged);
  CHECK(job.empty());
  absorb_all(job, {defined("j", 6)});  // The entry that rolled up the others.
  CHECK(job.revision() == 6);
}

TEST_CASE("job: events before the definition are judged by it") {
  // Without the subject, `a` alone would have made the job final.
  Job job("j");
  absorb_all(job, history_of("a:completed b:failed"));
  absorb_all(job, {defined("j", 9, kBroadcast)});
  CHECK(job.status() == Status::kPartialFailure);
  CHECK_FALSE(job.final());
}

TEST_CASE("job: a new definition replaces the old and judges everything again") {
  Job job("j");
  absorb_all(job, {defined("j", 1)});
  absorb_all(job, history_of("a:completed b:failed"));
  CHECK(job.final());
  CHECK(job.status() == Status::kCompleted);
  CHECK(job.absorb(defined("j", 4, kBroadcast)) == Absorbed::kChanged);
  CHECK_FALSE(job.final());
  CHECK(job.status() == Status::kPartialFailure);
  CHECK(job.status_revision() == 4);

  CHECK(job.absorb(defined("j", 4)) == Absorbed::kUnchanged);
  CHECK(job.absorb(defined("j", 3)) == Absorbed::kUnchanged);
  CHECK(job.definition().subject == kBroadcast.subject);
}

TEST_CASE("job: deleted, it is gone for clients; defined again, it follows from its events") {
  Job job("j");
  absorb_all(job, {defined("j", 1, kBroadcast)});
  absorb_all(job, history_of("a:started"));
  CHECK(job.absorb(deleted(defined("j", 1), 1)) == Absorbed::kUnchanged);
  CHECK(job.absorb(deleted(defined("j", 1), 3)) == Absorbed::kChanged);
  CHECK_FALSE(job.defined());
  CHECK(job.absorb(happened("j", 4, EventKind::kCompleted, "a")) == Absorbed::kUnchanged);
  CHECK(job.absorb(defined("j", 2, kBroadcast)) == Absorbed::kUnchanged);
  CHECK(job.absorb(defined("j", 5, kBroadcast)) == Absorbed::kChanged);
  CHECK(job.status() == Status::kCompleted);
  CHECK(job.status_revision() == 5);
}

TEST_CASE("job: old news about a key changes nothing") {
  Job job("j");
  const Entry started = happened("j", 5, EventKind::kStarted, "a");
  absorb_all(job, {defined("j", 1, kBroadcast), started, responded("j", 6, "a")});
  const std::string before = view_of(job);
  Entry older = started;
  older.revision = 4;
  CHECK(job.absorb(started) == Absorbed::kUnchanged);
  CHECK(job.absorb(older) == Absorbed::kUnchanged);
  CHECK(job.absorb(deleted(started, 5)) == Absorbed::kUnchanged);
  CHECK(job.absorb(responded("j", 6, "a")) == Absorbed::kUnchanged);
  CHECK(view_of(job) == before);
}

TEST_CASE("job: an entry put again moves to its new place") {
  Job job("j");
  Entry failed = happened("j", 2, EventKind::kFailed, "a");
  absorb_all(job,
             {defined("j", 1, kBroadcast), failed, happened("j", 3, EventKind::kSkipped, "a")});
  CHECK(job.status() == Status::kSkipped);
  failed.revision = 4;
  CHECK(job.absorb(failed) == Absorbed::kChanged);
  CHECK(job.events().size() == 2);
  CHECK(job.status() == Status::kFailed);  // Equal rank: now the later one.
  CHECK(job.revision() == 4);
}

TEST_CASE("job: deleting an event takes its effect back, as if it had never been") {
  Job job("j");
  const Entry completed = happened("j", 3, EventKind::kCompleted, "a");
  absorb_all(job, {defined("j", 1), happened("j", 2, EventKind::kStarted, "a"), completed});
  CHECK(job.final());
  CHECK(job.absorb(deleted(completed, 4)) == Absorbed::kChanged);
  CHECK(job.status() == Status::kProcessing);
  CHECK_FALSE(job.final());
  CHECK(job.revision() == 4);
  CHECK(job.status_revision() == 2);
}

TEST_CASE("job: deleting a response counts as a change of the JSON only") {
  Job job("j");
  const Entry response = responded("j", 3, "a");
  absorb_all(job, {defined("j", 1), happened("j", 2, EventKind::kStarted, "a"), response});
  CHECK(job.absorb(deleted(response, 4)) == Absorbed::kChanged);
  CHECK(job.responses().empty());
  CHECK(job.revision() == 4);
  CHECK(job.status_revision() == 2);
}

TEST_CASE("job: a deletion counts even where nothing is left to delete") {
  // A replica that starts now finds this deletion in the bucket, but not the deleted entry.
  Job job("j");
  absorb_all(job, {defined("j", 1)});
  CHECK(job.absorb(deleted(responded("j", 2, "a"), 3)) == Absorbed::kChanged);
  CHECK(job.revision() == 3);
  Job undefined("k");
  CHECK(undefined.absorb(deleted(responded("k", 2, "a"), 3)) == Absorbed::kUnchanged);
  CHECK(undefined.empty());
}

TEST_CASE("job: after it is final, events and responses still join and move its revision") {
  Job job("j");
  absorb_all(job, {defined("j", 1), happened("j", 2, EventKind::kCompleted, "a")});
  CHECK(job.final());
  CHECK(job.absorb(happened("j", 3, EventKind::kFailed, "b", "late")) == Absorbed::kChanged);
  CHECK(job.absorb(responded("j", 4, "a")) == Absorbed::kChanged);
  CHECK(job.status() == Status::kCompleted);
  CHECK(job.final());
  CHECK(job.revision() == 4);
  CHECK(job.status_revision() == 2);
  CHECK(job.events().size() == 2);
  CHECK(job.responses().size() == 1);
  CHECK(agents_of(job.events(), job.fold().as_one()).size() == 1);
}

TEST_CASE("job: holds so many entries and no more, but always its definition") {
  Job job("j");
  for (std::size_t i = 0; i < kEntriesPerJobMax; ++i) {
    const auto revision = static_cast<Revision>(i + 2);
    const Entry entry = i % 2 == 0 ? happened("j", revision, EventKind::kStarted, "a")
                                   : responded("j", revision, "a");
    REQUIRE(job.absorb(entry) == Absorbed::kUnchanged);
  }
  CHECK(job.absorb(defined("j", 50'000, kBroadcast)) == Absorbed::kChanged);
  const std::string before = view_of(job);
  CHECK(job.absorb(happened("j", 50'001, EventKind::kFailed, "a")) == Absorbed::kJobFull);
  CHECK(job.absorb(responded("j", 50'001, "a")) == Absorbed::kJobFull);
  CHECK(view_of(job) == before);

  // Replacing needs no room, and deleting makes some.
  Entry again = happened("j", 2, EventKind::kStarted, "a");
  again.revision = 50'002;
  CHECK(job.absorb(again) == Absorbed::kChanged);
  CHECK(job.absorb(deleted(responded("j", 3, "a"), 50'003)) == Absorbed::kChanged);
  CHECK(job.absorb(happened("j", 50'004, EventKind::kFailed, "a")) == Absorbed::kChanged);
  CHECK(job.absorb(happened("j", 50'005, EventKind::kFailed, "a")) == Absorbed::kJobFull);
  CHECK(job.status() == Status::kFailed);
}

TEST_CASE("job: progress moves the revision and the tag of the JSON, and nothing else") {
  Job job("j"), without("j");
  for (Job* one : {&job, &without}) {
    absorb_all(
        *one, {defined("j", 1, about("x._all", 2U)), happened("j", 2, EventKind::kCompleted, "a")});
  }
  // Of an agent that has reported nothing else: it does not count.
  CHECK(job.absorb(progressed("j", 3, "b", "40")) == Absorbed::kChanged);
  CHECK(job.revision() == 3);
  CHECK(job.status() == Status::kProcessing);
  CHECK_FALSE(job.at_work());
  CHECK(job.agents_terminal() == 1);
  CHECK(job.status_revision() == 2);
  CHECK(job.last_event() == without.last_event());
  CHECK(make_snapshot(job, 1)->text.tag == make_snapshot(without, 1)->text.tag);
  CHECK(view_of(job) != view_of(without));
  absorb_all(job, {happened("j", 4, EventKind::kCompleted, "b")});
  CHECK(job.final());
  absorb_all(job, {progressed("j", 5, "b", "100")});
  CHECK(job.final());
  CHECK(job.status() == Status::kCompleted);
  CHECK(view_of(*job.frozen()) == view_of(job));
}

TEST_CASE("job: progress overwrites the last of its key, and goes as it came") {
  Job job("j"), fresh("j");
  for (Job* one : {&job, &fresh}) absorb_all(*one, {defined("j", 1)});
  const std::size_t bytes = job.bytes();
  for (Revision revision = 2; revision < 200; ++revision) {
    absorb_all(job, {progressed("j", revision, "a", "1", std::string(revision, 'm'))});
    REQUIRE(job.progress()->size() == 1);
  }
  CHECK(job.absorb(progressed("j", 150, "a", "9")) == Absorbed::kUnchanged);  // Old news.
  CHECK(job.oldest() == 1);
  CHECK(job.bytes() > bytes + 199);
  CHECK(job.bytes() < bytes + 400);
  // Expired or overwritten by garbage; deleted; let go.
  CHECK(job.absorb(lost(progressed("j", 199, "a", ""), 300)) == Absorbed::kChanged);
  CHECK(view_of(job) == view_of(fresh));
  CHECK(job.progress() == nullptr);
  CHECK(job.bytes() == bytes);
  absorb_all(job, {progressed("j", 301, "a", "1"), deleted(progressed("j", 301, "a", ""), 302)});
  CHECK(job.revision() == 302);
  CHECK(job.progress() == nullptr);
  absorb_all(job, {defined("j", 303), progressed("j", 304, "a", "1"), defined("j", 305)});
  CHECK(job.oldest() == 304);
  CHECK(job.let_go(305) == Absorbed::kChanged);
  CHECK(job.progress() == nullptr);
  CHECK(job.defined());
}

TEST_CASE("job: tells the keys of its entries as the bucket has them") {
  constexpr std::array<std::string_view, 6> kKeys = {
      "status.j.started.a.1",     "status.j.started.a.02",   "status.j.failed.web_01.7",
      "status.j.progress.web_01", "responses.j.web_01.0003", "responses.j.web_01.3"};
  Job job("j");
  CHECK(job.entry_keys().empty());
  absorb_all(job, {defined("j", 1)});
  CHECK(job.entry_keys().empty());
  Revision revision = 1;
  for (const std::string_view key : kKeys) {
    const EntryKey parts = *parse_key(key);
    Entry entry = parts.family == Entry::Family::kResponse ? responded("j", 0, "web.01")
                  : parts.family == Entry::Family::kProgress
                      ? progressed("j", 0, "web.01", "1")
                      : happened("j", 0, parts.event, parts.agent == "a" ? "a" : "web.01");
    entry.revision = ++revision;
    entry.key_rest = std::string(parts.rest);
    absorb_all(job, {entry});
  }
  std::vector<std::string> told = job.entry_keys();
  CHECK(std::set<std::string>(told.begin(), told.end()) ==
        std::set<std::string>(kKeys.begin(), kKeys.end()));
  CHECK(told.size() == kKeys.size());
  CHECK(job.frozen()->entry_keys() == told);
}

TEST_CASE("job: progress takes its share of what a job may hold") {
  Job job("j");
  absorb_all(job, {defined("j", 1)});
  for (std::size_t i = 0; i < kEntriesPerJobMax; ++i) {
    REQUIRE(job.absorb(progressed("j", i + 2, "a" + std::to_string(i), "1")) == Absorbed::kChanged);
  }
  CHECK(job.absorb(progressed("j", 50'000, "more", "1")) == Absorbed::kJobFull);
  CHECK(job.absorb(happened("j", 50'000, EventKind::kStarted, "a")) == Absorbed::kJobFull);
  CHECK(job.absorb(progressed("j", 50'001, "a7", "2")) == Absorbed::kChanged);
  CHECK(job.absorb(progressed("j", 50'002, "a7", "3"), 0) == Absorbed::kChanged);
  CHECK(job.absorb(progressed("j", 50'003, "a7", "3", "longer"), 3) == Absorbed::kTableFull);

  Job large("j");
  absorb_all(large, {defined("j", 1)});
  const std::string message(1 << 20, 'm');
  Revision revision = 2;
  const auto agent = [&] { return "a" + std::to_string(revision); };
  while (large.absorb(progressed("j", revision, agent(), "1", message)) == Absorbed::kChanged) {
    ++revision;
  }
  CHECK(revision == 2 + 15);
  CHECK(large.bytes() < kJobBytesMax);
}

TEST_CASE("job: work that is delivered again takes the end of a job back") {
  Job job("j");
  absorb_all(job, {defined("j", 1), happened("j", 2, EventKind::kFailed, "a")});
  CHECK(job.final());
  absorb_all(job, {happened("j", 3, EventKind::kStarted, "a")});
  CHECK(job.status() == Status::kFailed);
  CHECK(job.at_work());
  CHECK_FALSE(job.final());
  absorb_all(job, {happened("j", 4, EventKind::kCompleted, "b")});
  CHECK(job.status() == Status::kCompleted);
  CHECK(job.final());
  CHECK(job.status_revision() == 4);
}

TEST_CASE("job: holds so many bytes and no more") {
  Job job("j");
  absorb_all(job, {defined("j", 1)});
  Response large;
  large.data = std::string(1 << 20, '1');
  Revision revision = 2;
  while (job.absorb(responded("j", revision, "a", large)) == Absorbed::kChanged) ++revision;
  CHECK(revision == 2 + 15);  // The sixteenth does not fit: strings and the entry itself count.
  CHECK(job.absorb(responded("j", revision, "a", large)) == Absorbed::kJobFull);
  CHECK(job.revision() == revision - 1);
  CHECK(job.bytes() > 15U << 20U);
  CHECK(job.bytes() < kJobBytesMax);

  // The definition always has room, and so has a shorter entry.
  CHECK(job.absorb(defined("j", 50)) == Absorbed::kChanged);
  Entry shorter = responded("j", 2, "a");
  shorter.revision = 51;
  CHECK(job.absorb(shorter) == Absorbed::kChanged);
  CHECK(job.absorb(responded("j", 52, "a", large)) == Absorbed::kChanged);

  // A rewritten entry without room changes nothing. The loss of the old one is reported separately.
  Entry longer = shorter;
  longer.revision = 53;
  std::get<Response>(longer.what).data = std::string(2 << 20, '1');
  const std::string before = view_of(job);
  CHECK(job.absorb(longer) == Absorbed::kJobFull);
  CHECK(view_of(job) == before);
  CHECK(job.absorb(lost(longer, 53)) == Absorbed::kChanged);

  // Deletions give the bytes back.
  for (Revision r = 2; r < 60; ++r) absorb_all(job, {deleted(responded("j", r, "a"), 5000 + r)});
  CHECK(job.responses().empty());
  Job fresh("j");
  absorb_all(fresh, {defined("j", 1)});
  CHECK(job.bytes() == fresh.bytes());
}

TEST_CASE("job: the table's limit is one of growth") {
  Job job("j");
  CHECK(job.absorb(defined("j", 1), 10) == Absorbed::kTableFull);
  CHECK(job.empty());
  CHECK(job.bytes() == 0);
  absorb_all(job, {defined("j", 2), happened("j", 3, EventKind::kStarted, "a", "an error")});
  CHECK(job.absorb(happened("j", 4, EventKind::kStarted, "a"), 0) == Absorbed::kTableFull);
  CHECK(job.revision() == 3);
  Entry again = happened("j", 3, EventKind::kStarted, "a", "shorter");
  again.revision = 5;
  CHECK(job.absorb(again, 0) == Absorbed::kChanged);
  CHECK(job.absorb(deleted(again, 6), 0) == Absorbed::kChanged);
  CHECK(job.absorb(defined("j", 7), 0) == Absorbed::kChanged);
  CHECK(job.absorb(defined("j", 8, about("a longer subject")), 3) == Absorbed::kTableFull);
  CHECK(job.definition_revision() == 7);
  CHECK(job.absorb(deleted(defined("j", 8), 9), 0) == Absorbed::kChanged);
}

namespace {

// How many places folding visits for one entry.
std::uint64_t steps_of(Job& job, const Entry& entry) {
  const std::uint64_t before = fold_steps;
  REQUIRE(job.absorb(entry) == Absorbed::kChanged);
  return fold_steps - before;
}

}  // namespace

TEST_CASE("job: the cost of a message does not grow with the number of entries") {
  constexpr std::size_t kEvents = 19'900;
  // One event from each of many agents, or all from one agent: started ones, and terminal ones that
  // uncover each other when they are removed.
  for (const bool many_agents : {true, false}) {
    for (const Definition& definition : {kBroadcast, about("")}) {
      CAPTURE(many_agents);
      CAPTURE(definition.subject);
      Job job("j");
      absorb_all(job, {defined("j", 1, definition)});
      std::vector<Entry> events;
      for (std::size_t i = 0; i < kEvents; ++i) {
        constexpr std::array kKinds = {EventKind::kStarted, EventKind::kFailed, EventKind::kSkipped,
                                       EventKind::kCompleted};
        events.push_back(happened("j", i + 2, kKinds[i % 4],
                                  many_agents ? "web-" + std::to_string(i) : "web-1"));
      }
      std::uint64_t total = 0, most = 0;
      Revision revision = 0;
      const auto absorb = [&](Entry entry) {
        entry.revision = std::max(entry.revision, ++revision);
        revision = entry.revision;
        const std::uint64_t steps = steps_of(job, entry);
        total += steps;
        most = std::max(most, steps);
      };
      for (const Entry& event : events) absorb(event);
      CHECK(total < 20 * kEvents);  // Amortised: the index grows by doubling.
      total = 0;
      // The latest, the first, and each in turn, deleted and written again and again.
      for (std::size_t i = 0; i < 2000; ++i) absorb(events.back());
      for (std::size_t i = 0; i < 2000; ++i) absorb(events.front());
      for (std::size_t i = 0; i < 8000; ++i) absorb(events[i * 7919 % kEvents]);
      for (std::size_t i = 0; i < 2000; ++i) {
        absorb(deleted(events[i], 0));
        absorb(events[i]);
      }
      for (std::size_t i = 0; i < 4000; ++i) absorb(defined("j", 0, definition));
      // Each written and lost in turn: it is a long way back to an entry that remains.
      for (std::size_t i = 0; i < 8000; ++i) absorb(deleted(events[kEvents - 1 - i], 0));
      for (std::size_t i = 0; i < 4000; ++i) {
        absorb(events.back());
        absorb(lost(events.back(), 0));
      }
      absorb(events.back());
      CHECK(total < 20 * 40'000);
      // One message in thousands tidies the vacant places.
      CHECK(most < 20 * kEvents);
      CHECK(view_of(job) == view_of(*job.frozen()));
    }
  }
}
