#include "server/api/job_resource.h"

#include <utility>

#include "server/api/job_query.h"
#include "server/http/problem.h"

namespace bide {

void JobResource::handle(const http::Request& request, Exchange& exchange) {
  std::variant<JobQuery, BadQuery> parsed = parse_job_query(request);
  if (const auto* const bad = std::get_if<BadQuery>(&parsed)) {
    return refuse(problem(bad->status, bad->detail), exchange);
  }
  auto& query = std::get<JobQuery>(parsed);
  serve(std::move(query.hold), query.condition, query.type, exchange);
}

http::Response JobResource::absent(const Target& /*job*/, Outcome outcome) const {
  return job_not_found(outcome);
}

std::optional<HeldResource::Failure> JobResource::failure(const Target& /*job*/,
                                                          const Condition& condition,
                                                          const Snapshot& job) const {
  if (condition.kind() != Condition::Kind::kSucceeded) return std::nullopt;
  const bool failed = is_terminal(job.status) && job.status != Status::kCompleted;
  if (!failed || job.undecided) return std::nullopt;
  return Failure{problem(409, "job-did-not-succeed", "Job did not succeed",
                         "the job failed, was skipped or partly failed; it is in `job`"),
                 "job"};
}

}  // namespace bide
