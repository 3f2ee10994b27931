#include "server/api/job_set_resource.h"

#include <algorithm>
#include <string>
#include <utility>

#include "server/api/jobs_query.h"
#include "server/http/problem.h"

namespace bide {
namespace {

// `["a","b"]`. Ids need no escapes.
std::string json_of(const std::vector<std::string>& ids) {
  std::string json = "[";
  for (const std::string& id : ids) {
    json.append(json.size() > 1 ? "," : "").append("\"").append(id).append("\"");
  }
  return json += ']';
}

}  // namespace

void JobSetResource::handle(std::string_view key, const httplib::Request& request,
                            Exchange& exchange) {
  std::variant<SetQuery, BadQuery> parsed = parse_set_query(request);
  if (const auto* const bad = std::get_if<BadQuery>(&parsed)) {
    return refuse(key, problem(bad->status, bad->detail), exchange);
  }
  auto& query = std::get<SetQuery>(parsed);
  serve(query.jobs.key(), std::move(query.hold), query.condition, MediaType::kJson, exchange);
}

httplib::Response JobSetResource::absent(std::string_view key, Outcome outcome) const {
  const std::string missing = json_of(sets_.missing(JobSetQuery::parse(key)->ids));
  return problem(404, kJobNotFound, "Job not found",
                 outcome == Outcome::kGone
                     ? "a job was deleted or expired while you waited; see `missing`"
                     : "there are no jobs of some of these ids; they are in `missing`",
                 {{"missing", missing}});
}

// One for each id: that is what the set's strands cost.
std::uint16_t JobSetResource::places_of(std::string_view key) const {
  return static_cast<std::uint16_t>(1 + std::count(key.begin(), key.end(), ','));
}

std::optional<HeldResource::Failure> JobSetResource::failure(std::string_view key,
                                                             const Condition& condition,
                                                             const Snapshot& set) const {
  if (condition.kind() != Condition::Kind::kSucceeded) return std::nullopt;
  if (!can_never_succeed(set, JobSetQuery::parse(key)->match_any)) return std::nullopt;
  return Failure{
      problem(409, "job-did-not-succeed", "Job did not succeed",
              "of these jobs too many failed, were skipped or partly failed; they are in `jobs`"),
      "jobs"};
}

}  // namespace bide
