#include "server/job_resource.h"

#include <utility>

#include "server/job_head.h"
#include "server/job_query.h"
#include "server/problem.h"

namespace bide {
namespace {

httplib::Response unavailable(std::string_view detail) {
  httplib::Response response = problem(503, "not-fresh", "Service Unavailable", detail);
  response.set_header("Retry-After", "1");
  return response;
}

bool can_never_succeed(const Waiter::Terms& terms, const Snapshot& snapshot) {
  return terms.condition.kind() == Condition::Kind::kSucceeded && is_terminal(snapshot.status) &&
         snapshot.status != Status::kCompleted;
}

}  // namespace

JobResource::JobResource(Clock& clock, const HoldTime& hold_time, const Freshness& freshness,
                         JobTable& table, HttpMetrics& metrics)
    : clock_(clock),
      hold_time_(hold_time),
      freshness_(freshness),
      table_(table),
      metrics_(metrics) {}

void JobResource::handle(std::string_view id, const httplib::Request& request, Exchange& exchange) {
  std::variant<JobQuery, BadQuery> parsed = parse_job_query(request);
  if (const auto* const bad = std::get_if<BadQuery>(&parsed)) {
    return send_problem(id, problem(bad->status, bad->detail), exchange);
  }
  JobQuery& query = std::get<JobQuery>(parsed);
  RequestFacts& facts = exchange.facts();
  hold_time_.grant(query.hold, facts);
  if (!freshness_.ready()) {
    return send_problem(id, unavailable("the jobs are still being read from NATS; try again"),
                        exchange);
  }
  const TimePoint until = facts.held ? hold_time_.deadline(facts) : facts.received;
  answer_or_park(id, {query.condition, std::move(query.hold.seen), query.type, until}, exchange);
}

void JobResource::answer_or_park(std::string_view id, Waiter::Terms terms, Exchange& exchange) {
  const TimePoint now = exchange.facts().received;
  // To wait for a job that is not known here makes no sense while nobody could tell of it.
  const bool hopeless = terms.condition.kind() == Condition::Kind::kExists && freshness_.stale(now);
  if (!exchange.facts().held || hopeless) {
    const Lot::Look look = table_.look(id, terms, now);
    if (look.snapshot == nullptr || !exchange.facts().held) {
      return answer(id, terms, Outcome::kNow, look.snapshot, now, exchange);
    }
  }
  Lot::Parked parked{};
  Lot::Look look;
  if (exchange.park(*this, id, std::move(terms), parked, look) == Exchange::Park::kParked) {
    count(metrics_.requests_parked);
    return;
  }
  const Outcome outcome = parked == Lot::Parked::kFull       ? Outcome::kShed
                          : parked == Lot::Parked::kDraining ? Outcome::kDrain
                                                             : Outcome::kNow;
  answer(id, exchange.terms(), outcome, look.snapshot, now, exchange);
}

void JobResource::finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                         Exchange& exchange) {
  answer(exchange.key(), exchange.terms(), outcome, snapshot, clock_.now(), exchange);
}

// The one place where state becomes a status, for requests that waited and those that did not.
void JobResource::answer(std::string_view id, const Waiter::Terms& terms, Outcome outcome,
                         const std::shared_ptr<const Snapshot>& snapshot, TimePoint now,
                         Exchange& exchange) {
  count(metrics_.outcomes[static_cast<std::size_t>(outcome)]);
  if (snapshot == nullptr) {
    if (freshness_.stale(now) && outcome != Outcome::kGone) {
      return send_problem(id, unavailable("NATS is away and this job is not known here; try again"),
                          exchange);
    }
    const std::string_view detail = outcome == Outcome::kGone
                                        ? "the job was deleted or expired while you waited"
                                        : "there is no job of this id";
    return send_problem(id, problem(404, "job-not-found", "Job not found", detail), exchange);
  }
  if (freshness_.stale(now) && !snapshot->final && !exchange.facts().max_stale) {
    return send_problem(
        id,
        unavailable("NATS is away, this job may have moved; send Cache-Control: max-stale to "
                    "get what was last known"),
        exchange);
  }
  if (exchange.facts().held && can_never_succeed(terms, *snapshot)) {
    return send_problem(id,
                        problem(409, "job-did-not-succeed", "Job did not succeed",
                                "the job failed, was skipped or partly failed; it is in `job`",
                                {{"job", snapshot->json.bytes}}),
                        exchange);
  }
  send_snapshot(terms, outcome, snapshot, now, exchange);
}

void JobResource::send_snapshot(const Waiter::Terms& terms, Outcome outcome,
                                const std::shared_ptr<const Snapshot>& snapshot, TimePoint now,
                                Exchange& exchange) {
  const RequestFacts& facts = exchange.facts();
  const Representation& representation = snapshot->as(terms.type);
  const int status = terms.seen.matches(representation.tag) ? 304 : 200;
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(now - facts.received);
  thread_local std::string head;
  head.clear();
  append_job_head(head, status, *snapshot, terms.type, outcome, facts, waited);
  const bool body = status == 200 && !facts.head;
  exchange.send_laid_out(status, head, snapshot,
                         body ? std::string_view(representation.bytes) : std::string_view(),
                         LogPath::of_job(snapshot->job_id));
}

void JobResource::send_problem(std::string_view id, httplib::Response problem, Exchange& exchange) {
  problem.set_header("Vary", "Accept, Prefer");
  exchange.send(problem, LogPath::of_job(id));
}

}  // namespace bide
