#include "client/selection_source.h"

#include <algorithm>
#include <utility>

#include "client/job_page.h"
#include "core/base/json_object.h"

namespace bide {
namespace {

bool is_over(const JobView& job) { return job.status && is_terminal(*job.status); }

// nullopt: the jobs do not decide the wait.
std::optional<Status> deciding_status(const std::vector<JobView>& jobs, bool any, bool lost) {
  const JobView* worst = nullptr;
  for (const JobView& job : jobs) {
    if (!is_over(job)) {
      if (any || lost) continue;
      return std::nullopt;
    }
    if (any && !lost) return job.status;
    const bool worse = worst == nullptr || worse_of(*worst->code, *job.code) != *worst->code;
    if (worse) worst = &job;
  }
  return worst == nullptr ? std::nullopt : worst->status;
}

// The jobs inside the problem document of a 409.
std::string jobs_in_problem(const std::string& problem) {
  const auto parsed = JsonObject::parse(problem, {"jobs"}, kAnswerDepthMax);
  const auto* const object = std::get_if<JsonObject>(&parsed);
  return object == nullptr ? "" : std::string((*object)["jobs"].raw);
}

}  // namespace

SelectionSource::SelectionSource(const ApiAccess& access, Terms terms)
    : terms_(std::move(terms)), connection_(access.server, access.token, access.cacert) {}

Reply SelectionSource::ask(const Question& question) {
  std::string target = std::string("/job?until=") + (terms_.succeeded ? "succeeded" : "done") +
                       terms_.labels + (terms_.any ? "&match=any" : "") +
                       (terms_.fail_if_missing ? "&missing=fail" : "");
  if (question.wait.count() > 0) {
    target += "&wait=" + std::to_string(question.wait.count()) + "ms";
  }
  auto response = connection_.exchange({.method = "GET",
                                        .target = target,
                                        .fields = {{"Accept", "application/json"}},
                                        .patience = question.patience});
  const auto* const raw = std::get_if<RawReply>(&response);
  const std::string lost =
      raw != nullptr && raw->http_status == 409 ? jobs_in_problem(raw->body) : "";
  if (!lost.empty()) {
    const auto status = deciding_status(jobs_of(lost), terms_.any, true);
    if (status) {
      return Answer{
          .status = *status, .final = true, .outcome = "done", .etag = raw->etag, .body = lost};
    }
  }
  Reply reply = reply_of(std::move(response));
  if (auto* const answer = std::get_if<Answer>(&reply)) {
    const auto status = deciding_status(jobs_of(answer->body), terms_.any, false);
    answer->status = status.value_or(Status::kProcessing);
    answer->final = answer->final && status.has_value();
  }
  return reply;
}

std::vector<JobView> jobs_of(std::string_view body) {
  std::vector<JobView> jobs;
  const auto page = page_of(std::string(body));
  if (!page) return jobs;
  for (const std::string_view item : page->items) {
    JobView& job = jobs.emplace_back();
    job.summary = summary_of(item);
    job.id = job.summary.id;
    job.status = job.summary.status;
    job.representation = std::make_shared<const std::string>(item);
    if (job.status) job.code = exit_code_of(*job.status);
  }
  return jobs;
}

JobSummary summary_of_jobs(std::string_view body) {
  JobSummary summary;
  for (const JobView& job : jobs_of(body)) {
    ++summary.agents_seen;
    if (is_over(job)) ++summary.agents_done;
    if (summary.error.empty() && !job.summary.error.empty()) {
      summary.error = job.id + ": " + job.summary.error;
    }
  }
  summary.of_jobs = true;
  return summary;
}

}  // namespace bide
