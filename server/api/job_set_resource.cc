#include "server/api/job_set_resource.h"

#include <algorithm>
#include <string>
#include <utility>

#include "server/api/job_query.h"
#include "server/http/problem.h"

namespace bide {
namespace {

// `["a","b"]`. Ids need no escapes.
std::string json_of(const std::vector<JobId>& ids) {
  std::string json = "[";
  for (const JobId& id : ids) {
    json.append(json.size() > 1 ? "," : "").append("\"").append(id.text()).append("\"");
  }
  return json += ']';
}

// A request for a selection pays for the jobs that are selected when it comes, for as many that may
// come while it is held, and for a few in any case.
constexpr std::size_t kPlacesMin = 16;

const JobSetQuery& query_of(const Target& target) { return *std::get<JobSetPtr>(target); }

}  // namespace

void JobSetResource::handle(const http::Request& request, Exchange& exchange) {
  std::variant<SetQuery, BadQuery> parsed = parse_set_query(request);
  if (const auto* const bad = std::get_if<BadQuery>(&parsed)) {
    return refuse(problem(bad->status, bad->detail), exchange);
  }
  auto& query = std::get<SetQuery>(parsed);
  exchange.target() = std::make_shared<const JobSetQuery>(std::move(query.jobs));
  serve(std::move(query.hold), query.condition, MediaType::kJson, exchange);
}

http::Response JobSetResource::absent(const Target& target, Outcome outcome) const {
  if (query_of(target).selection != nullptr) return absent_selection(query_of(target).selection);
  const std::string missing = json_of(table().sets().missing(query_of(target).ids));
  return problem(404, kJobNotFound, "Job not found",
                 outcome == Outcome::kGone
                     ? "a job was deleted or expired while you waited; see `missing`"
                     : "there are no jobs of some of these ids; they are in `missing`",
                 {{"missing", missing}});
}

http::Response JobSetResource::absent_selection(const SelectionPtr& selection) const {
  if (table().sets().select(selection).whole) {
    return problem(404, kJobNotFound, "Job not found", "there is no job with these labels");
  }
  return problem(422, "selection-too-large", "Selection too large",
                 "more than " + std::to_string(kJobSetIdsMax) +
                     " jobs have these labels, too many to wait for in one request; add a label");
}

// One for each id: that is what the set's strands cost.
std::uint16_t JobSetResource::places_of(const Target& target) const {
  const JobSetQuery& query = query_of(target);
  std::size_t jobs = query.ids.size();
  if (query.selection != nullptr) {
    jobs = 2 * table().sets().select(query.selection).ids.size();
    jobs = std::clamp(jobs, kPlacesMin, kJobSetIdsMax);
  }
  return static_cast<std::uint16_t>(jobs);
}

std::optional<HeldResource::Failure> JobSetResource::failure(const Target& target,
                                                             const Condition& condition,
                                                             const Snapshot& set) const {
  if (condition.kind() != Condition::Kind::kSucceeded) return std::nullopt;
  if (!can_never_succeed(set, query_of(target).match_any)) return std::nullopt;
  return Failure{
      problem(409, "job-did-not-succeed", "Job did not succeed",
              "of these jobs too many failed, were skipped or partly failed; they are in `jobs`"),
      "jobs"};
}

}  // namespace bide
