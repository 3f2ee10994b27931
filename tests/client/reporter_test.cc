#include "client/reporter.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>
#include <future>
#include <mutex>
#include <vector>

using namespace bide;
using namespace std::chrono_literals;

namespace {

using std::chrono::steady_clock;

// What was sent, in order.
struct Mailbox {
  std::vector<std::string> sent() {
    const std::lock_guard lock(mutex);
    return keys;
  }
  std::mutex mutex;
  std::vector<std::string> keys;
};

class ScriptedSender : public ReportSender {
 public:
  using Script = std::function<WriteReply(std::size_t attempt, const Report& report)>;
  ScriptedSender(Mailbox& mailbox, Script script) : mailbox_(mailbox), script_(std::move(script)) {}

  WriteReply send(const Report& report, std::chrono::milliseconds) override {
    std::size_t attempt = 0;
    {
      const std::lock_guard lock(mailbox_.mutex);
      mailbox_.keys.push_back(report.key);
      attempt = mailbox_.keys.size();
    }
    return script_(attempt, report);
  }

 private:
  Mailbox& mailbox_;
  const Script script_;
};

std::function<std::unique_ptr<ReportSender>()> sender(Mailbox& mailbox,
                                                      ScriptedSender::Script script) {
  return [&mailbox, script = std::move(script)] {
    return std::make_unique<ScriptedSender>(mailbox, script);
  };
}

Report event(EventKind kind, std::string key) {
  Report report = report_of(NewEvent{"build-7", kind, "web-01", ""});
  report.key = std::move(key);
  return report;
}
Report definition(std::string key) {
  NewDefinition job;
  job.job_id = "build-7";
  Report report = report_of(job);
  report.key = std::move(key);
  return report;
}

bool is_done_within(const Reporter& reporter, std::chrono::milliseconds patience) {
  pollfd done{reporter.done_fd(), POLLIN, 0};
  return ::poll(&done, 1, static_cast<int>(patience.count())) == 1;
}

void report_all(Reporter& reporter, std::chrono::milliseconds timeout) {
  reporter.add(definition("d"));
  reporter.add(event(EventKind::kStarted, "s"));
  reporter.add(event(EventKind::kFailed, "f"));
  reporter.finish(steady_clock::now() + timeout);
}

using Keys = std::vector<std::string>;

}  // namespace

TEST_CASE("reporter: reports are stored in their order, each under its key, despite trouble") {
  Mailbox mailbox;
  Reporter reporter(sender(mailbox, [](std::size_t attempt, const Report&) -> WriteReply {
    if (attempt % 2 == 1) return Trouble{"away", {}};
    return Stored{};
  }));
  CHECK_FALSE(is_done_within(reporter, 0ms));
  report_all(reporter, 1min);
  REQUIRE(is_done_within(reporter, 30s));
  CHECK(reporter.complaint().empty());
  CHECK(mailbox.sent() == Keys{"d", "d", "s", "s", "f", "f"});
}

TEST_CASE(
    "reporter: without a deadline trouble lasts as long as it likes, and add() never blocks") {
  Mailbox mailbox;
  std::promise<void> tried;
  Reporter reporter(sender(mailbox, [&](std::size_t attempt, const Report&) -> WriteReply {
    if (attempt == 1) {
      tried.set_value();
      return Trouble{"busy", 60s};
    }
    return Stored{};
  }));
  reporter.add(definition("d"));
  REQUIRE(tried.get_future().wait_for(10s) == std::future_status::ready);
  // The pause that the server asked for is cut short by the end of the command.
  reporter.add(event(EventKind::kCompleted, "c"));
  reporter.finish(steady_clock::now() + 1min);
  REQUIRE(is_done_within(reporter, 20s));
  CHECK(mailbox.sent() == Keys{"d", "d", "c"});
}

TEST_CASE(
    "reporter: at the deadline it gives up, and later reports are not stored before earlier") {
  Mailbox mailbox;
  Reporter reporter(sender(mailbox, [](std::size_t, const Report& report) -> WriteReply {
    if (report.key == "s") return Trouble{"cannot connect to x", {}};
    return Stored{};
  }));
  report_all(reporter, 200ms);
  REQUIRE(is_done_within(reporter, 20s));
  CHECK(reporter.complaint() == "`started` is not known to be stored: cannot connect to x");
  CHECK(mailbox.sent().back() == "s");
}

TEST_CASE("reporter: a refused report is not repeated, and the next ones are sent") {
  Mailbox mailbox;
  Reporter reporter(sender(mailbox, [](std::size_t, const Report& report) -> WriteReply {
    if (report.key == "f") return Stored{};
    return ServerRefusal{403, "no " + report.key};
  }));
  report_all(reporter, 1min);
  REQUIRE(is_done_within(reporter, 20s));
  CHECK(mailbox.sent() == Keys{"d", "s", "f"});
  CHECK(reporter.complaint() == "the definition is not stored: no d");
}

TEST_CASE("reporter: a job that is defined otherwise is reported all the same") {
  Mailbox mailbox;
  Reporter reporter(sender(mailbox, [](std::size_t, const Report& report) -> WriteReply {
    if (report.key == "d") return ServerRefusal{409, "another definition"};
    return Stored{};
  }));
  report_all(reporter, 1min);
  REQUIRE(is_done_within(reporter, 20s));
  CHECK(mailbox.sent() == Keys{"d", "s", "f"});
  CHECK(reporter.complaint().empty());
}

TEST_CASE("reporter: labels that are lost because the job is defined otherwise are a complaint") {
  Mailbox mailbox;
  Reporter reporter(sender(mailbox, [](std::size_t, const Report&) -> WriteReply {
    return ServerRefusal{409, "another definition"};
  }));
  NewDefinition job;
  job.job_id = "build-7";
  job.labels = R"({"team":"ci"})";
  reporter.add(report_of(job));
  reporter.finish(steady_clock::now() + 1min);
  REQUIRE(is_done_within(reporter, 20s));
  CHECK(reporter.complaint() == "the definition is not stored: another definition");
}

TEST_CASE("reporter: while a report is on its way the complaint is about it") {
  Mailbox mailbox;
  std::promise<void> arrived, end;
  Reporter reporter(sender(mailbox, [&](std::size_t, const Report&) -> WriteReply {
    arrived.set_value();
    end.get_future().wait_for(20s);
    return Stored{};
  }));
  reporter.add(event(EventKind::kCompleted, "c"));
  reporter.finish(steady_clock::now() + 1min);
  REQUIRE(arrived.get_future().wait_for(10s) == std::future_status::ready);
  CHECK(reporter.complaint() == "`completed` is not known to be stored");
  end.set_value();
  REQUIRE(is_done_within(reporter, 20s));
  CHECK(reporter.complaint().empty());
}

TEST_CASE("reporter: a sender that cannot be made is a complaint") {
  Reporter reporter(
      []() -> std::unique_ptr<ReportSender> { throw std::runtime_error("no memory"); });
  reporter.add(event(EventKind::kCompleted, "c"));
  reporter.finish(steady_clock::now() + 1min);
  REQUIRE(is_done_within(reporter, 20s));
  CHECK(reporter.complaint().find("no memory") != std::string::npos);
}
