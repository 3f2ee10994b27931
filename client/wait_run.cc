#include "client/wait_run.h"

#include <algorithm>
#include <ostream>
#include <random>

#include "client/selection_source.h"
#include "client/terminal.h"
#include "core/base/duration.h"

namespace bide {
namespace {

using std::chrono::milliseconds;

milliseconds since(TimePoint start) {
  return std::chrono::floor<milliseconds>(std::chrono::steady_clock::now() - start);
}

// The job that decides a wait for any of them: the first that is over.
const JobView* find_winner(const std::vector<JobView>& jobs) {
  const auto winner = std::ranges::find_if(
      jobs, [](const JobView& job) { return job.code && job.complaint.empty(); });
  return winner == jobs.end() ? nullptr : &*winner;
}

ExitCode worst_of(const std::vector<JobView>& jobs) {
  ExitCode worst = ExitCode::kCompleted;
  for (const JobView& job : jobs) {
    const ExitCode at_timeout = job.absent ? ExitCode::kNotFound : ExitCode::kTimeout;
    worst = worse_of(worst, job.code.value_or(at_timeout));
  }
  return worst;
}

void record(const Answer& answer, const JobSummary& summary, JobView& view) {
  view.absent = false;
  view.status = answer.status;
  if (!answer.news) return;
  view.representation = std::make_shared<const std::string>(answer.body);
  view.summary = summary;
}

void record(const Pursuit::Next& next, JobView& view) {
  if (const auto* again = std::get_if<Pursuit::AskAgain>(&next)) {
    view.trouble = again->trouble;
    if (again->absent) view.absent = true;
    return;
  }
  const auto& finished = std::get<Pursuit::Finished>(next);
  view.trouble.clear();
  view.complaint = finished.complaint;
  view.code = finished.code;
}

}  // namespace

WaitRun::WaitRun(const WaitPlan& plan, const MakeSource& make_source)
    : plan_(plan),
      start_(std::chrono::steady_clock::now()),
      deadline_(start_ + plan.timeout),
      board_(plan.ids),
      display_(plan.display),
      reported_(plan.ids.size()) {
  for (const std::string& id : plan_.ids) sources_.push_back(make_source(id));
}

WaitRun::~WaitRun() {
  board_.stop();
  threads_.end();
}

ExitCode WaitRun::run(DataOut& out, std::ostream& err) {
  std::random_device seeds;
  for (std::size_t i = 0; i < plan_.ids.size(); ++i) {
    threads_.start([this, i, seed = seeds()] { pursue(i, seed); },
                   [this, i] { sources_[i]->cancel(); });
  }
  set_live_line(plan_.display.mode == Display::Mode::kLive);
  std::vector<JobView> jobs;
  for (std::uint64_t seen = 0;;) {
    jobs = board_.wait_for_news(seen, std::min(deadline_, start_ + display_.next_tick()));
    const bool all_over =
        std::ranges::all_of(jobs, [](const JobView& job) { return job.code.has_value(); });
    const bool ends =
        all_over || find_decider(jobs) != nullptr || std::chrono::steady_clock::now() >= deadline_;
    if (!ends) write_new_results(jobs, out, err);
    err << display_.update(jobs, since(start_)) << std::flush;
    if (ends) break;
  }
  err << display_.clear() << std::flush;
  set_live_line(false);
  return conclude(jobs, out, err);
}

void WaitRun::pursue(std::size_t index, std::uint32_t seed) {
  const bool show_changes = plan_.display.mode != Display::Mode::kQuiet;
  // For a selection the server answers when the wait is over, and not at each change.
  Pursuit pursuit(plan_.goal, show_changes && !plan_.selection, plan_.missing, seed);
  for (;;) {
    const TimePoint asked_at = std::chrono::steady_clock::now();
    if (asked_at >= deadline_) break;
    const Reply reply = sources_[index]->ask(
        pursuit.question(std::chrono::ceil<milliseconds>(deadline_ - asked_at)));
    const Pursuit::Next next = pursuit.take(reply, since(asked_at));

    const auto* answer = std::get_if<Answer>(&reply);
    const JobSummary summary = answer == nullptr || !show_changes ? JobSummary{}
                               : plan_.selection                  ? summary_of_jobs(answer->body)
                                                                  : summary_of(answer->body);
    board_.update(index, [&](JobView& view) {
      if (answer != nullptr) record(*answer, summary, view);
      record(next, view);
    });
    const auto* again = std::get_if<Pursuit::AskAgain>(&next);
    if (again == nullptr) break;
    const TimePoint ask_at = std::chrono::steady_clock::now() + again->pause;
    if (!board_.pause_until(std::min(ask_at, deadline_))) break;
  }
}

const JobView* WaitRun::find_decider(const std::vector<JobView>& jobs) const {
  if (plan_.selection) return nullptr;  // The server decides.
  if (plan_.any) return find_winner(jobs);
  if (!plan_.fail_fast) return nullptr;
  const auto failed = std::ranges::find_if(
      jobs, [](const JobView& job) { return job.code && *job.code != ExitCode::kCompleted; });
  return failed == jobs.end() ? nullptr : &*failed;
}

void WaitRun::write(const JobView& job, bool several, DataOut& out) const {
  if (plan_.selection) {
    write_selection(job, out);
    return;
  }
  if (plan_.output != Output::kText || plan_.words) write_result(job, plan_.output, several, out);
}

void WaitRun::write_selection(const JobView& selection, DataOut& out) const {
  if (!selection.representation) return;
  std::vector<JobView> jobs = jobs_of(*selection.representation);
  if (plan_.any && selection.code) {
    const auto over = std::ranges::find_if(
        jobs, [](const JobView& job) { return job.status && is_terminal(*job.status); });
    if (over != jobs.end()) jobs = {*over};
  }
  if (plan_.output == Output::kJson) {
    write_results(jobs, out);
    return;
  }
  for (const JobView& job : jobs) write_result(job, plan_.output, true, out);
}

void WaitRun::write_new_results(const std::vector<JobView>& jobs, DataOut& out, std::ostream& err) {
  if (plan_.any && !plan_.selection) return;  // Only the deciding job is written, at the end.
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (!jobs[i].code || reported_[i]) continue;
    reported_[i] = true;
    err << display_.clear() << std::flush;  // `out` and `err` may be the same terminal.
    write(jobs[i], jobs.size() > 1, out);
    static_cast<void>(out.flush());
  }
}

ExitCode WaitRun::conclude(const std::vector<JobView>& jobs, DataOut& out, std::ostream& err) {
  const bool several = jobs.size() > 1;
  const JobView* const decider = find_decider(jobs);
  if (decider != nullptr && plan_.any) {
    write(*decider, several && plan_.output == Output::kText, out);
    static_cast<void>(out.flush());
    return *decider->code;
  }
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const bool given_up = decider != nullptr && !jobs[i].code;  // Another job has failed.
    if (!jobs[i].code && !given_up) {
      err << "bide wait: timed out after " + format_duration(plan_.timeout) + ": " + jobs[i].id +
                 ": " + describe(jobs[i]) + "\n";
    }
    if (!reported_[i] && !given_up) write(jobs[i], several, out);
  }
  if (several && plan_.output == Output::kJson) write_results(jobs, out);
  static_cast<void>(out.flush());
  return decider != nullptr ? *decider->code : worst_of(jobs);
}

}  // namespace bide
