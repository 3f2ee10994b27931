#include "client/wait_run.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <sstream>

#include "client/usage.h"

using namespace bide;
using namespace std::chrono_literals;

namespace {

// Gives its replies in order. After the last one it holds the request until it is cancelled.
class ScriptedSource : public JobSource {
 public:
  explicit ScriptedSource(std::deque<Reply> replies) : replies_(std::move(replies)) {}

  Reply ask(const Question& question) override {
    std::unique_lock lock(mutex_);
    if (!replies_.empty()) {
      Reply reply = std::move(replies_.front());
      replies_.pop_front();
      return reply;
    }
    cancelled_.wait_for(lock, question.patience, [&] { return stop_; });
    return Trouble{"cancelled", {}};
  }
  void cancel() override {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    cancelled_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable cancelled_;
  std::deque<Reply> replies_;
  bool stop_ = false;
};

Answer standing(Status status, bool final, const std::string& body) {
  return Answer{.news = true,
                .status = status,
                .final = final,
                .outcome = "changed",
                .etag = "\"" + body + "\"",
                .body = body};
}
Answer working() { return standing(Status::kProcessing, false, "{\"status\":\"processing\"}"); }
Answer completed(const std::string& body = "{\"status\":\"completed\"}") {
  return standing(Status::kCompleted, true, body);
}
Answer failed() {
  return standing(Status::kFailed, true, "{\"status\":\"failed\",\"error\":\"no space\"}");
}

using Script = std::map<std::string, std::deque<Reply>>;

struct Outcome {
  ExitCode code{};
  std::string out;
  std::string err;
};

struct Wish {
  bool any = false;
  Output output = Output::kText;
  Display::Mode mode = Display::Mode::kLines;
  std::chrono::milliseconds timeout = 1min;
  Pursuit::Missing missing = Pursuit::Missing::kWait;
};

Outcome wait_for(const std::vector<std::string>& ids, const Script& script, const Wish& wish = {}) {
  const WaitPlan plan{.ids = ids,
                      .goal = *Goal::parse("done"),
                      .timeout = wish.timeout,
                      .any = wish.any,
                      .missing = wish.missing,
                      .output = wish.output,
                      .display = {.mode = wish.mode}};
  WaitRun run(
      plan, [&](const std::string& id) { return std::make_unique<ScriptedSource>(script.at(id)); });
  std::ostringstream out, err;
  DataOut data(out, false);
  const ExitCode code = run.run(data, err);
  return {code, out.str(), err.str()};
}

}  // namespace

TEST_CASE("wait_run: the word goes to stdout, progress to stderr, the code to the shell") {
  const auto outcome = wait_for({"a"}, {{"a", {working(), failed()}}});
  CHECK(outcome.code == ExitCode::kFailed);
  CHECK(outcome.out == "failed\n");
  CHECK(outcome.err.find("a: failed: no space (0s)\n") != std::string::npos);
}

TEST_CASE("wait_run: quiet means that nothing but the word is said") {
  const auto outcome =
      wait_for({"a"}, {{"a", {working(), failed()}}}, {.mode = Display::Mode::kQuiet});
  CHECK(outcome.out == "failed\n");
  CHECK(outcome.err.empty());
}

TEST_CASE("wait_run: a server that is away for a while is ridden out") {
  const auto outcome = wait_for(
      {"a"},
      {{"a", {working(), Trouble{"cannot connect to x", {}}, Trouble{"busy", 1ms}, completed()}}});
  CHECK(outcome.code == ExitCode::kCompleted);
  CHECK(outcome.out == "completed\n");
  CHECK(outcome.err.find("a: cannot connect to x; trying again (0s)\n") != std::string::npos);
}

TEST_CASE("wait_run: of several jobs all are waited for and the worst code is given") {
  const auto outcome = wait_for({"a", "b", "c"},
                                {{"a", {completed()}},
                                 {"b", {working(), failed()}},
                                 {"c", {ServerRefusal{404, "no such job", true}}}},
                                {.missing = Pursuit::Missing::kFail});
  CHECK(outcome.code == ExitCode::kNotFound);
  CHECK(outcome.out.find("a completed\n") != std::string::npos);
  CHECK(outcome.out.find("b failed\n") != std::string::npos);
  CHECK(outcome.err.find("c: not found (0s)\n") != std::string::npos);
}

TEST_CASE("wait_run: of several jobs json is one array in the order asked") {
  const auto outcome = wait_for(
      {"b", "x", "a"},
      {{"a", {completed("1")}}, {"b", {completed("2")}}, {"x", {ServerRefusal{404, "", true}}}},
      {.output = Output::kJson, .missing = Pursuit::Missing::kFail});
  CHECK(outcome.out == "[2,null,1]\n");
}

TEST_CASE("wait_run: with any, the first job that is over ends the wait for the others") {
  const Wish any{
      .any = true, .output = Output::kText, .mode = Display::Mode::kQuiet, .timeout = 1h};
  const auto outcome = wait_for({"a", "b"}, {{"a", {working()}}, {"b", {failed()}}}, any);
  CHECK(outcome.code == ExitCode::kFailed);
  CHECK(outcome.out == "b failed\n");
}

TEST_CASE("wait_run: with any, a job that is not there does not win") {
  const Wish any{.any = true,
                 .mode = Display::Mode::kQuiet,
                 .timeout = 1h,
                 .missing = Pursuit::Missing::kFail};
  const auto outcome = wait_for(
      {"a", "b"}, {{"a", {ServerRefusal{404, "", true}}}, {"b", {working(), completed()}}}, any);
  CHECK(outcome.code == ExitCode::kCompleted);
  const auto none = wait_for(
      {"a", "b"}, {{"a", {ServerRefusal{404, "", true}}}, {"b", {ServerRefusal{401, ""}}}}, any);
  CHECK(none.code == ExitCode::kAuth);
}

TEST_CASE("wait_run: a job that does not exist yet is waited for, and that is said once") {
  const ServerRefusal absent{404, "no such job", true};
  const auto outcome = wait_for({"a"}, {{"a", {absent, absent, working(), completed()}}});
  CHECK(outcome.code == ExitCode::kCompleted);
  CHECK(outcome.out == "completed\n");
  const std::string said = "a: does not exist yet (0s)\n";
  const std::size_t once = outcome.err.find(said);
  REQUIRE(once != std::string::npos);
  CHECK(outcome.err.find("does not exist", once + said.size()) == std::string::npos);
}

TEST_CASE("wait_run: at the timeout the code tells whether the job never existed") {
  const Wish short_wait{.mode = Display::Mode::kQuiet, .timeout = 200ms};
  const ServerRefusal absent{404, "no such job", true};
  const auto never = wait_for({"a"}, {{"a", {absent}}}, short_wait);
  CHECK(never.code == ExitCode::kNotFound);
  CHECK(never.out.empty());
  CHECK(never.err == "bide wait: timed out after 200ms: a: does not exist yet\n");
  CHECK(wait_for({"a"}, {{"a", {absent, working()}}}, short_wait).code == ExitCode::kTimeout);
  CHECK(wait_for({"a"}, {{"a", {Trouble{"away", {}}}}}, short_wait).code == ExitCode::kTimeout);
  // Known once, away since: it has not been created as far as is known.
  CHECK(wait_for({"a"}, {{"a", {absent, Trouble{"away", {}}}}}, short_wait).code ==
        ExitCode::kNotFound);
}

TEST_CASE("wait_run: the timeout prints the known states and says so") {
  const auto outcome = wait_for(
      {"a"}, {{"a", {working()}}},
      {.any = false, .output = Output::kText, .mode = Display::Mode::kQuiet, .timeout = 200ms});
  CHECK(outcome.code == ExitCode::kTimeout);
  CHECK(outcome.out == "processing\n");
  CHECK(outcome.err.find("bide wait: timed out after 200ms: a: processing") == 0);
}

TEST_CASE("wait_run: as many jobs as allowed, each on its own") {
  std::vector<std::string> ids;
  Script script;
  for (std::size_t i = 0; i < kJobsPerCommandMax; ++i) {
    ids.push_back("job-" + std::to_string(i));
    script[ids.back()] = {working(), completed()};
  }
  const auto outcome = wait_for(ids, script, {.any = false, .output = Output::kJsonl});
  CHECK(outcome.code == ExitCode::kCompleted);
  CHECK(std::count(outcome.out.begin(), outcome.out.end(), '\n') == kJobsPerCommandMax);
}
