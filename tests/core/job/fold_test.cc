#include "core/job/fold.h"

#include <doctest/doctest.h>

#include <ostream>

#include "core/job/job.h"
#include "tests/core/job/entries.h"

using namespace bide;
using namespace bide::testing;

namespace {

using Names = std::vector<std::string>;
using Expected = decltype(Definition::expected_agents);

}  // namespace

TEST_CASE("fold: the table of cases") {
  struct Row {
    std::string_view subject;
    Expected expected;
    std::string_view history;  // From revision 2 on; the definition is revision 1.
    Status status;
    bool final;
    std::size_t terminal;
    Revision status_revision;
  };
  const Status kSub = Status::kSubmitted, kRun = Status::kProcessing, kOk = Status::kCompleted,
               kBad = Status::kFailed, kSkip = Status::kSkipped, kPart = Status::kPartialFailure;
  const std::string_view one = "jobs.modify._any", all = "jobs.modify._all";
  const Row rows[] = {
      // No agent has reported: a submission does not count, nor does the submitter.
      {"", {}, "", kSub, false, 0, 1},
      {all, {}, "_api:submitted", kSub, false, 0, 1},
      {all, {}, "a:submitted", kSub, false, 0, 1},
      {"", {}, "_api:submitted _api:failed", kSub, false, 0, 1},
      {"", {}, "_api:started _api:completed", kSub, false, 0, 1},

      // One agent, whatever host names report. Events after the job was final count.
      {"", {}, "a:acknowledged", kRun, false, 0, 2},
      {"", {}, "a:acknowledged a:started", kRun, false, 0, 2},
      {"", {}, "a:started a:completed", kOk, true, 1, 3},
      {"", {}, "a:failed", kBad, true, 1, 2},
      {"", {}, "a:skipped", kSkip, true, 1, 2},
      {"", {}, "a:retried", kOk, true, 1, 2},
      {"", {}, "a:completed a:failed b:started", kOk, false, 1, 2},
      {"", {}, "a:completed a:failed b:started b:failed", kOk, true, 1, 2},
      {"", {}, "c1:started c2:completed", kOk, true, 1, 3},
      {one, {}, "c1:acknowledged c1:started c2:started", kRun, false, 0, 2},
      {one, {}, "c1:failed c2:skipped", kSkip, true, 1, 3},
      {"", 1U, "c1:started c2:completed", kOk, true, 1, 3},
      {"", Names{"c2"}, "c1:started c2:completed", kRun, false, 1, 2},
      {"", {}, "a:failed a:completed", kOk, true, 1, 3},
      {one, {}, "a:failed b:completed", kOk, true, 1, 3},
      {"jobs.modify.host.web-1", {}, "a:completed b:failed", kOk, true, 1, 2},

      // Several agents: any active one keeps the job processing.
      {all, {}, "a:completed", kOk, false, 1, 2},
      {all, {}, "a:completed b:acknowledged", kRun, false, 1, 3},
      {all, {}, "a:completed b:started", kRun, false, 1, 3},
      {all, {}, "a:completed b:started b:completed", kOk, false, 2, 4},
      {all, {}, "a:completed b:completed", kOk, false, 2, 2},
      {all, {}, "a:completed b:failed", kPart, false, 2, 3},
      {all, {}, "a:failed b:completed", kPart, false, 2, 3},
      {all, {}, "a:failed b:failed", kBad, false, 2, 2},
      {all, {}, "a:skipped b:skipped", kSkip, false, 2, 2},
      {all, {}, "a:skipped b:completed", kOk, false, 2, 3},
      {all, {}, "a:skipped b:failed", kBad, false, 2, 3},
      {all, {}, "a:skipped b:failed c:completed", kPart, false, 3, 4},
      {all, {}, "a:failed b:retried", kPart, false, 2, 3},
      {all, {}, "a:failed a:retried", kOk, false, 1, 3},
      {all, {}, "a:failed b:started", kRun, false, 1, 3},

      // For each agent the highest rank decides, and among equal ranks the later event.
      {all, {}, "a:started a:acknowledged a:submitted", kRun, false, 0, 2},
      {all, {}, "a:completed a:started", kOk, false, 1, 2},
      {all, {}, "a:completed a:failed", kOk, false, 1, 2},
      {all, {}, "a:failed a:completed", kOk, false, 1, 3},
      {all, {}, "a:failed a:skipped", kSkip, false, 1, 3},
      {all, {}, "a:skipped a:failed", kBad, false, 1, 3},
      {all, {}, "a:completed a:retried", kOk, false, 1, 2},
      {all, {}, "a:failed a:started a:failed", kBad, false, 1, 2},

      // A number of agents expected.
      {all, 2U, "", kSub, false, 0, 1},
      {all, 2U, "a:submitted", kSub, false, 0, 1},
      {all, 2U, "a:completed", kRun, false, 1, 2},
      {all, 2U, "a:completed a:retried", kRun, false, 1, 2},
      {all, 2U, "a:completed b:completed", kOk, true, 2, 3},
      {all, 2U, "a:completed b:failed", kPart, true, 2, 3},
      {all, 2U, "a:completed b:failed b:completed", kOk, true, 2, 4},
      {all, 2U, "a:completed b:failed b:completed c:started", kRun, false, 2, 5},
      {all, 2U, "a:completed b:completed c:failed", kPart, true, 3, 4},
      {all, 2U, "c:started a:completed b:completed", kRun, false, 2, 2},
      {all, 2U, "c:started a:completed b:completed c:skipped", kOk, true, 3, 5},
      {all, 0U, "a:completed", kOk, false, 1, 2},
      {"", 2U, "a:completed", kRun, false, 1, 2},
      {one, 1U, "a:failed", kBad, true, 1, 2},

      // Agents expected by name.
      {all, Names{"a", "b"}, "a:completed", kRun, false, 1, 2},
      {all, Names{"a", "b"}, "a:completed c:completed", kRun, false, 2, 2},
      {all, Names{"a", "b"}, "a:failed a:completed c:failed", kRun, false, 2, 2},
      {all, Names{"a", "b"}, "a:completed b:completed", kOk, true, 2, 3},
      {all, Names{"a", "b"}, "a:completed c:failed b:completed", kPart, true, 3, 4},
      {all, Names{"a", "b"}, "a:completed c:started b:completed", kRun, false, 2, 2},
      {all, Names{"a", "b"}, "a:completed c:started b:completed c:completed", kOk, true, 3, 5},
      {all, Names{"a", "b"}, "a:skipped b:skipped a:failed", kBad, true, 2, 4},

      // An agent is at work by its newest event, whatever event decides its state: the job is not
      // final.
      {"", {}, "a:failed a:started", kBad, false, 1, 2},
      {"", {}, "a:failed a:acknowledged", kBad, false, 1, 2},
      {"", {}, "a:failed a:started a:failed", kBad, true, 1, 2},
      {"", {}, "a:failed a:started a:submitted", kBad, true, 1, 2},
      {"", {}, "a:failed _api:started", kBad, true, 1, 2},
      {all, 1U, "a:completed b:completed b:started", kOk, false, 2, 2},
      {all, Names{"a"}, "a:failed b:completed b:acknowledged", kPart, false, 2, 3},
      {all, Names{}, "a:completed", kOk, false, 1, 2},
  };
  for (const Row& row : rows) {
    CAPTURE(row.subject);
    CAPTURE(row.history);
    Job job("j");
    absorb_all(job, {defined("j", 1, about(row.subject, row.expected))});
    absorb_all(job, history_of(row.history));
    const auto check = [&] {
      CHECK(word_of(job.status()) == word_of(row.status));
      CHECK(job.final() == row.final);
      CHECK(job.agents_terminal() == row.terminal);
      CHECK(job.status_revision() == row.status_revision);
    };
    check();
    // The same with so many events that they have an index.
    for (Revision r = 100; r < 200; ++r) {
      absorb_all(job, {happened("j", r, EventKind::kCompleted, kSubmitterAgent)});
    }
    REQUIRE(job.events().indexed());
    check();
    for (Revision r = 100; r < 200; ++r) {
      const Entry gone = happened("j", r, EventKind::kCompleted, kSubmitterAgent);
      absorb_all(job, {deleted(gone, r + 200)});
    }
    CHECK_FALSE(job.events().indexed());
    check();
  }
}

TEST_CASE("fold: the subject says whether one agent is meant") {
  for (const std::string_view subject :
       {"", "_any", "jobs.query._any", "jobs.query.host.web-1", "host.web-1", "a.host._all"}) {
    CAPTURE(subject);
    CHECK(is_for_one_agent(subject) == (subject != "host.web-1"));
  }
  for (const std::string_view subject :
       {"jobs.query._all", "jobs.query.label.group.web", "jobs.query.label.host.web",
        "label.host.web", "jobs.label.role.host.web", "jobs.query.host", "jobs.query.host.",
        "jobs.host.web.x", "jobs.myhost.web", "jobs.query._anybody", "jobs._any.x", "jobs"}) {
    CAPTURE(subject);
    CHECK_FALSE(is_for_one_agent(subject));
  }
}
