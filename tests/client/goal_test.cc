#include "client/goal.h"

#include <doctest/doctest.h>

using namespace bide;

namespace {

Answer standing(Status status, bool final) {
  return Answer{
      .news = true, .status = status, .final = final, .outcome = {}, .etag = "\"2\"", .body = {}};
}

Goal goal(std::string_view text) {
  const auto parsed = Goal::parse(text);
  REQUIRE_MESSAGE(parsed.has_value(), text);
  return *parsed;
}

constexpr bool kFinal = true;
constexpr bool kMayMove = false;
constexpr bool kHeld = true;
constexpr bool kNotHeld = false;

}  // namespace

TEST_CASE("goal: the words of `until` are known, and nothing else") {
  for (const char* text : {"change", "done", "succeeded", "exists", "failed", "failed,skipped"}) {
    CHECK(goal(text).text() == text);
  }
  for (const char* text :
       {"", "Done", "done,failed", "failed,", ",failed", "failed, skipped", "x"}) {
    CAPTURE(text);
    CHECK(!Goal::parse(text));
  }
}

TEST_CASE("goal: done is for the server to say while the job may still move") {
  const Goal done = goal("done");
  CHECK(!done.judge(standing(Status::kProcessing, kMayMove), kHeld, ""));
  CHECK(!done.judge(standing(Status::kCompleted, kMayMove), kNotHeld, ""));
  CHECK(done.judge(standing(Status::kCompleted, kMayMove), kHeld, "") == ExitCode::kCompleted);
  CHECK(done.judge(standing(Status::kCompleted, kFinal), kNotHeld, "") == ExitCode::kCompleted);
  CHECK(done.judge(standing(Status::kSkipped, kFinal), kNotHeld, "") == ExitCode::kSkipped);
}

TEST_CASE("goal: succeeded ends with the job's own code once it is out of reach") {
  const Goal succeeded = goal("succeeded");
  CHECK(!succeeded.judge(standing(Status::kFailed, kMayMove), kHeld, ""));
  CHECK(succeeded.judge(standing(Status::kFailed, kFinal), kNotHeld, "") == ExitCode::kFailed);
  CHECK(succeeded.judge(standing(Status::kCompleted, kMayMove), kHeld, "") == ExitCode::kCompleted);
}

TEST_CASE("goal: exists is content with any job, whatever became of it") {
  CHECK(goal("exists").judge(standing(Status::kFailed, kFinal), kHeld, "") == ExitCode::kCompleted);
  CHECK(goal("exists").judge(standing(Status::kSubmitted, kMayMove), kHeld, "") ==
        ExitCode::kCompleted);
}

TEST_CASE("goal: a status word is reached by that status alone, and the code tells the status") {
  const Goal words = goal("processing,failed");
  CHECK(!words.judge(standing(Status::kSubmitted, kMayMove), kHeld, ""));
  CHECK(words.judge(standing(Status::kProcessing, kMayMove), kNotHeld, "") == ExitCode::kCompleted);
  CHECK(words.judge(standing(Status::kFailed, kMayMove), kNotHeld, "") == ExitCode::kFailed);
  CHECK(words.judge(standing(Status::kSkipped, kFinal), kNotHeld, "") == ExitCode::kSkipped);
}

TEST_CASE("goal: change is measured from the first state seen, and a final job ends it") {
  const Goal change = goal("change");
  CHECK(!change.judge(standing(Status::kProcessing, kMayMove), kHeld, ""));
  CHECK(!change.judge(standing(Status::kProcessing, kMayMove), kHeld, "\"2\""));
  CHECK(change.judge(standing(Status::kProcessing, kMayMove), kHeld, "\"1\"") ==
        ExitCode::kCompleted);
  CHECK(change.judge(standing(Status::kFailed, kFinal), kHeld, "") == ExitCode::kFailed);
}
