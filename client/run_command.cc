// `bide run`: runs a command and reports it as a job.
//
// The command comes first: whatever is wrong with bide, it runs, and its end is this process's end.
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>

#include "client/bucket_reporter.h"
#include "client/carry_out.h"
#include "client/command_process.h"
#include "client/commands.h"
#include "client/http_writer.h"
#include "client/label_flag.h"
#include "client/reporter.h"
#include "client/stderr_tail.h"
#include "client/terminal.h"
#include "client/usage.h"
#include "client/write_access.h"
#include "core/base/duration.h"
#include "core/base/json_text.h"
#include "core/base/printable.h"
#include "core/base/utf8_text.h"

namespace bide {
namespace {

using std::chrono::steady_clock;

constexpr std::string_view kCommand = "bide run";
constexpr int kCannotBeRun = 126;
constexpr int kNoSuchCommand = 127;

constexpr Setting kSettings[] = {
    {"agent", SettingKind::kText, "NAME", "", "the agent that reports (default: this host's name)",
     "a name"},
    {"report-timeout", SettingKind::kText, "TIME", "30s",
     "after the command's end, try for this long to get the reports stored",
     "a time such as 30s or 5m"},
    {"no-last-lines", SettingKind::kSwitch, "", "",
     "leave stderr to the command alone; a failure is reported without its last lines"},
    {"quiet", SettingKind::kSwitch, "", "", "do not print the id that was made up", "", 'q'}};

Command make_command() {
  Command command{
      .name = kCommand,
      .summary = "run a command and report it as a job",
      .synopsis = {"[ID] [--label NAME=VALUE]... [--agent NAME] [--report-timeout 30s] -- "
                   "COMMAND..."},
      .description =
          R"(Runs a command and reports it as a job: `started`, and then `completed` or `failed` with
its exit status and the last lines of its stderr. Without ID it makes one up and prints it on
stderr. The command does not notice bide: it runs even if no server can be reached. Reports are
repeated until they are stored, and until --report-timeout has passed after the command's end.)",
      .examples = {"bide run build-7 -- make -j8",
                   "bide run test-7 --label release=42 --label team=ci -- make test",
                   "bide run nightly-$(date +%F) --report-timeout 5m -- ./backup.sh",
                   "bide run -q -- sh -c 'make && make install'"},
      .settings = {},
      .notes = about_writing(),
      .exit_codes = {{"", "that of the command; or 128 + the signal that ended it"},
                     {"126", "the command cannot be run"},
                     {"127", "there is no command of that name"},
                     {"2", "usage; trouble with bide is only a warning on stderr"}},
      .takes_words = true,
      .words = WordKind::kProgram};
  for (const Setting& setting : kSettings) command.settings.push_back(&setting);
  command.settings.push_back(&kLabelSetting);
  for (const Setting* const setting : write_flags()) command.settings.push_back(setting);
  return command;
}

struct RunPlan {
  std::string id;
  std::string labels;  // As JSON.
  bool id_is_new = false;
  std::string agent;
  std::vector<std::string> command;
  std::chrono::milliseconds report_timeout{};
  bool last_lines = true;
};

std::variant<RunPlan, Misuse> plan_of(const Arguments& arguments) {
  RunPlan plan;
  const auto& words = arguments.words();
  const std::size_t own = arguments.words_before_dashes().value_or(words.size());
  if (own == words.size()) return Misuse{"expected -- and a command"};
  if (own > 1) return Misuse{"expected one job id at most before --"};
  plan.command.assign(words.begin() + static_cast<std::ptrdiff_t>(own), words.end());
  if (own == 1) {
    auto id = checked_job_id(words.front());
    if (const auto* error = std::get_if<Misuse>(&id)) return *error;
    plan.id = std::get<std::string>(std::move(id));
  } else {
    plan.id = new_job_id(std::chrono::system_clock::now());
    plan.id_is_new = !arguments.given("quiet");
  }
  plan.agent = arguments.given("agent") ? as_utf8(arguments.value("agent")) : host_name();
  if (plan.agent.empty()) return arguments.unexpected("agent");
  auto labels = labels_in(arguments);
  if (const auto* error = std::get_if<Misuse>(&labels)) return *error;
  plan.labels = std::get<std::string>(std::move(labels));
  const auto timeout = parse_duration(arguments.value("report-timeout"));
  if (!timeout) return arguments.unexpected("report-timeout");
  plan.report_timeout = *timeout;
  plan.last_lines = !arguments.given("no-last-lines");
  return plan;
}

void warn(const std::string& message) {
  std::cerr << std::string(kCommand) + ": warning: " + printable(message, " ") + "\n";
}

std::string data_of(int exit_status, const std::string& error) {
  JsonText data;
  data.begin_object();
  data.string_if("error", error);
  data.key("exit_status");
  data.number(static_cast<std::uint64_t>(exit_status));
  data.end_object();
  return data.take();
}

// `exit status 2: the last line`, and below it all of the last lines. Programs that show one line
// show what says most.
std::string error_of(const CommandProcess::End& end, const std::string& last_lines) {
  std::string error = "exit status " + std::to_string(end.code);
  if (end.signal != 0) {
    const char* const name = ::sigabbrev_np(end.signal);
    error = "ended by signal " + std::to_string(end.signal) +
            (name == nullptr ? "" : " (SIG" + std::string(name) + ")");
  }
  if (last_lines.empty()) return error;
  const std::size_t line_end = last_lines.rfind('\n');
  if (line_end == std::string::npos) return error + ": " + last_lines;
  return error + ": " + last_lines.substr(line_end + 1) + "\n" + last_lines;
}

NewEvent event_of(const RunPlan& plan, EventKind kind, std::string data = {}) {
  return {.job_id = plan.id, .kind = kind, .agent = plan.agent, .data = std::move(data)};
}

// Whether two descriptors are the same file, pipe or device.
bool are_one(int one, int other) {
  struct stat a {};
  struct stat b {};
  return ::fstat(one, &a) == 0 && ::fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

// Null: nothing can be reported, and the user has been told why.
std::unique_ptr<Reporter> make_reporter(const WriteAccess& access) {
  if (const auto* const none = std::get_if<NoAccess>(&access)) {
    warn("nothing is reported: " + none->message);
    return nullptr;
  }
  try {
    return std::make_unique<Reporter>([access]() -> std::unique_ptr<ReportSender> {
      if (const auto* const api = std::get_if<ApiAccess>(&access)) {
        return std::make_unique<HttpWriter>(*api);
      }
      const auto& bucket = std::get<BucketAccess>(access);
      return std::make_unique<BucketReporter>(bucket.login, bucket.bucket);
    });
  } catch (const std::exception& error) {
    warn(std::string("nothing is reported: ") + error.what());
    return nullptr;
  }
}

// Passes signals on meanwhile. False: `deadline` has passed, or bide is to end.
bool wait_readable(int fd, TimePoint deadline, CommandProcess& process) {
  while (!process.interrupted()) {
    std::array<pollfd, 2> ready{{{fd, POLLIN, 0}, {process.signal_fd(), POLLIN, 0}}};
    constexpr std::chrono::hours kLongest{1};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::min<steady_clock::duration>(deadline - steady_clock::now(), kLongest));
    if (left.count() <= 0) return false;
    if (::poll(ready.data(), ready.size(), static_cast<int>(left.count())) < 0) continue;
    if (ready[1].revents != 0) process.take_signals();
    if (ready[0].revents != 0) return true;
  }
  return false;
}

// Blocks until the command has ended, and all that it wrote is passed on. The last lines of its
// stderr.
std::string wait_for_end(CommandProcess& process, std::optional<StderrTail>& tail) {
  while (!process.end()) {
    pollfd signals{process.signal_fd(), POLLIN, 0};
    if (::poll(&signals, 1, -1) > 0) process.take_signals();
  }
  if (!tail) return {};
  tail->ask();
  return wait_readable(tail->fd(), kEndOfTime, process) ? tail->take() : std::string();
}

// Ends this process, like the command.
[[noreturn]] void end_like(const CommandProcess& process, int code) {
  process.share_interrupt();
  // At once: the reporter's thread may be looking up a name, which cannot be cancelled.
  ::_exit(code);
}

int run(const Arguments& arguments) {
  const auto planned = plan_of(arguments);
  if (const auto* error = std::get_if<Misuse>(&planned)) return fail_usage(kCommand, *error);
  const auto& plan = std::get<RunPlan>(planned);
  const WriteAccess access = find_write_access(arguments);
  if (plan.id_is_new) std::cerr << std::string(kCommand) + ": job " + plan.id + "\n";
  if (const auto* api = std::get_if<ApiAccess>(&access)) warn_of_plain_token(kCommand, *api);

  CommandProcess process;
  std::optional<StderrTail> tail;
  if (plan.last_lines && !stderr_is_terminal()) tail = StderrTail::start();
  CommandProcess::Streams streams;
  if (tail) {
    streams.err = tail->write_end();
    // Otherwise what the command writes to both would change its order.
    if (are_one(STDOUT_FILENO, STDERR_FILENO)) streams.out = tail->write_end();
  }
  NewDefinition job;
  job.job_id = plan.id;
  job.labels = plan.labels;
  const Report definition = report_of(std::move(job));
  const Report started = report_of(event_of(plan, EventKind::kStarted));
  const int fault = process.start(plan.command, streams);
  if (tail) tail->close_write_end();

  // After the fork, because a thread does not survive it.
  std::unique_ptr<Reporter> reporter = make_reporter(access);
  if (reporter) reporter->add(definition);
  std::optional<Report> last;
  int code = 0;
  if (fault != 0) {
    const std::string reason = "cannot be run: " + std::string(std::strerror(fault));
    std::cerr << std::string(kCommand) + ": " + printable(plan.command.front(), "?") + ": " +
                     reason + "\n";
    code = fault == ENOENT ? kNoSuchCommand : kCannotBeRun;
    last = report_of(event_of(plan, EventKind::kFailed, data_of(code, "the command " + reason)));
  } else {
    if (reporter) reporter->add(started);
    const std::string last_lines = wait_for_end(process, tail);
    const CommandProcess::End& end = *process.end();
    code = end.code;
    last = report_of(
        code == 0 ? event_of(plan, EventKind::kCompleted, data_of(0, ""))
                  : event_of(plan, EventKind::kFailed, data_of(code, error_of(end, last_lines))));
    last->when = end.when;
  }
  if (!reporter) end_like(process, code);

  const TimePoint deadline = steady_clock::now() + plan.report_timeout;
  reporter->add(*std::move(last));
  reporter->finish(deadline);
  const bool done = wait_readable(reporter->done_fd(), deadline, process);
  if (const std::string complaint = reporter->complaint(); !complaint.empty()) {
    warn(plan.id + ": " + complaint + hint_about(complaint, arguments));
  }
  if (done) {
    reporter.reset();
  } else {
    reporter->abandon();
  }
  end_like(process, code);
}

}  // namespace

const Command& run_command() {
  static const Command command = make_command();
  return command;
}

int run_run(std::span<const std::string> args) { return carry_out(run_command(), args, run); }

}  // namespace bide
