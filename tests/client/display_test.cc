#include "client/display.h"

#include <doctest/doctest.h>

#include <vector>

using namespace bide;
using namespace std::chrono_literals;

namespace {

JobView job(const char* id, Status status, JobSummary summary = {}) {
  JobView view;
  view.id = id;
  view.status = status;
  view.summary = std::move(summary);
  return view;
}

JobView unknown(const char* id) {
  JobView view;
  view.id = id;
  return view;
}

using Jobs = std::vector<JobView>;

}  // namespace

TEST_CASE("display: a job is described in a few words") {
  CHECK(describe(unknown("a")) == "nothing known yet");
  CHECK(
      describe(job("a", Status::kProcessing, {.agents_done = 0, .agents_seen = 1, .error = ""})) ==
      "processing, 0/1 agents done");
  CHECK(
      describe(job("a", Status::kProcessing, {.agents_done = 1, .agents_seen = 3, .error = ""})) ==
      "processing, 1/3 agents done");
  CHECK(describe(job("a", Status::kCompleted, {.agents_done = 1, .agents_seen = 1, .error = ""})) ==
        "completed");
  CHECK(describe(job("a", Status::kFailed,
                     {.agents_done = 1, .agents_seen = 1, .error = "no space left"})) ==
        "failed: no space left");
  JobView away = job("a", Status::kProcessing);
  away.trouble = "cannot connect to http://h:80";
  CHECK(describe(away) == "cannot connect to http://h:80; trying again");
  away.complaint = "not found";
  CHECK(describe(away) == "not found");
}

TEST_CASE("display: a worker's error cannot drive the terminal") {
  const std::string text = describe(job("a", Status::kFailed,
                                        {.agents_done = 1,
                                         .agents_seen = 1,
                                         .error = "x\033]0;title\007\r\n\x7f\xc2\x9b"
                                                  "31m \xc3\xa4\u202e\xff"}));
  CHECK(text == "failed: x ]0;title     31m \xc3\xa4  ");
  const std::string cut = describe(
      job("a", Status::kFailed,
          {.agents_done = 1, .agents_seen = 1, .error = std::string(199, 'x') + "\xc3\xa4"}));
  CHECK(cut == "failed: " + std::string(199, 'x'));
}

TEST_CASE("display: in a log each change is a line, and nothing is repeated") {
  Display display({.mode = Display::Mode::kLines});
  CHECK(display.update(Jobs{unknown("a")}, 0s).empty());
  CHECK(display.update(Jobs{job("a", Status::kSubmitted)}, 10ms) == "a: submitted (0s)\n");
  CHECK(display.update(Jobs{job("a", Status::kSubmitted)}, 5s).empty());
  CHECK(display.update(
            Jobs{job("a", Status::kProcessing, {.agents_done = 0, .agents_seen = 1, .error = ""})},
            65s) == "a: processing, 0/1 agents done (1m5s)\n");
}

TEST_CASE("display: a log shows a sign of life after a minute without a line") {
  Display display({.mode = Display::Mode::kLines});
  static_cast<void>(display.update(Jobs{job("a", Status::kProcessing)}, 1s));
  CHECK(display.next_tick() == 61s);
  CHECK(display.update(Jobs{job("a", Status::kProcessing)}, 60s).empty());
  CHECK(display.update(Jobs{job("a", Status::kProcessing)}, 61s) ==
        "still waiting for a: processing (1m1s)\n");
  CHECK(display.next_tick() == 121s);
  JobView over = job("b", Status::kCompleted);
  over.code = ExitCode::kCompleted;
  static_cast<void>(display.update(Jobs{job("a", Status::kProcessing), over}, 100s));
  CHECK(display.update(Jobs{job("a", Status::kProcessing), over}, 160s) ==
        "1 of 2 jobs over, still waiting for a: processing (2m40s)\n");
}

TEST_CASE("display: a log shows when the server is not heard from") {
  Display display({.mode = Display::Mode::kLines});
  static_cast<void>(display.update(Jobs{unknown("a")}, 0s));
  CHECK(display.update(Jobs{unknown("a")}, 60s) ==
        "still waiting for a: nothing known yet (1m0s)\n");
}

TEST_CASE("display: quiet, only failures of the wait are shown") {
  Display display({.mode = Display::Mode::kQuiet});
  CHECK(display.update(Jobs{job("a", Status::kProcessing)}, 0s).empty());
  CHECK(display
            .update(
                Jobs{job("a", Status::kFailed, {.agents_done = 1, .agents_seen = 1, .error = "x"})},
                1h)
            .empty());
  JobView missing = unknown("a");
  missing.complaint = "not found";
  CHECK(display.update(Jobs{missing}, 1s) == "a: not found (1s)\n");
  CHECK(display.clear().empty());
}

TEST_CASE("display: after an update there is time until the next, or waiting would spin") {
  for (const auto mode : {Display::Mode::kQuiet, Display::Mode::kLines, Display::Mode::kLive}) {
    Display display({.mode = mode});
    for (const auto elapsed : {0ms, 1ms, 99ms, 100ms, 5'000ms, 60'000ms, 60'001ms, 3'600'000ms}) {
      static_cast<void>(display.update(Jobs{job("a", Status::kProcessing)}, elapsed));
      CHECK(display.next_tick() > elapsed);
    }
  }
}

TEST_CASE("display: on a terminal one line is drawn again") {
  Display display({.mode = Display::Mode::kLive});
  CHECK(display.update(
            Jobs{job("a", Status::kProcessing, {.agents_done = 1, .agents_seen = 2, .error = ""})},
            0s) == "\r\033[Ka: processing, 1/2 agents done (0s)");
  CHECK(display.next_tick() == 1s);
  SUBCASE("not more than ten times a second") {
    CHECK(display
              .update(Jobs{job("a", Status::kProcessing,
                               {.agents_done = 2, .agents_seen = 2, .error = ""})},
                      50ms)
              .empty());
    CHECK(display.next_tick() == 100ms);
    CHECK(!display
               .update(Jobs{job("a", Status::kProcessing,
                                {.agents_done = 2, .agents_seen = 2, .error = ""})},
                       100ms)
               .empty());
  }
  SUBCASE("but the end of a job stays on the screen") {
    JobView failed =
        job("a", Status::kFailed, {.agents_done = 2, .agents_seen = 2, .error = "no space"});
    failed.code = ExitCode::kFailed;
    CHECK(display.update(Jobs{failed}, 50ms) ==
          "\r\033[Ka: failed, 2/2 agents done: no space (0s)\n");
  }
  SUBCASE("and after it had to make room it comes back at once") {
    CHECK(display.clear() == "\r\033[K");
    CHECK(!display
               .update(Jobs{job("a", Status::kProcessing,
                                {.agents_done = 1, .agents_seen = 2, .error = ""})},
                       10ms)
               .empty());
  }
  CHECK(display.clear() == "\r\033[K");
}

TEST_CASE("display: of several jobs the live line tells how many are over") {
  Display display({.mode = Display::Mode::kLive});
  JobView over = job("a", Status::kCompleted);
  over.code = ExitCode::kCompleted;
  CHECK(display.update(Jobs{over, job("b", Status::kProcessing)}, 0s) ==
        "\r\033[Ka: completed (0s)\n1 of 2 jobs over; b: processing (0s)");
  CHECK(display.update(Jobs{over, job("b", Status::kProcessing)}, 2s) ==
        "\r\033[K1 of 2 jobs over; b: processing (2s)");
}

TEST_CASE("display: the live line is cut to the terminal, its colours not counted") {
  Display plain({.mode = Display::Mode::kLive, .columns = 12});
  CHECK(plain.update(Jobs{job("a", Status::kProcessing)}, 0s) == "\r\033[Ka: processi");
  Display coloured({.mode = Display::Mode::kLive, .colour = true, .columns = 14});
  CHECK(coloured.update(Jobs{job("a", Status::kProcessing)}, 0s) ==
        "\r\033[Ka: \033[36mprocessing\033[0m");
}
