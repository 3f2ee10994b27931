#include "server/stream_resource.h"

#include <string>
#include <utility>

#include "server/event_stream.h"
#include "server/hold_time.h"
#include "server/problem.h"
#include "server/web_socket_handshake.h"
#include "server/web_socket_stream.h"

namespace bide {
namespace {

std::string whole_record(const Stream& stream, std::string_view event, std::string_view data) {
  std::string head;
  std::string tail;
  stream.wrap({event, nullptr, data}, head, tail);
  return head.append(data).append(tail);
}

std::string summary_of(const Snapshot& job) {
  return "{\"status\":\"" + std::string(word_of(job.status)) +
         "\",\"final\":" + (job.final ? "true" : "false") + "}";
}

}  // namespace

std::variant<OpenedStream, httplib::Response> open_event_stream(const httplib::Request& request) {
  const bool chunked = request.version != "HTTP/1.0";
  return OpenedStream{std::make_unique<EventStream>(chunked), EventStream::head(chunked)};
}

std::variant<OpenedStream, httplib::Response> open_web_socket(const httplib::Request& request) {
  std::variant<UpgradeAccepted, httplib::Response> judged = judge_upgrade(request);
  if (auto* const refused = std::get_if<httplib::Response>(&judged)) return std::move(*refused);
  return OpenedStream{std::make_unique<WebSocketStream>(),
                      std::move(std::get<UpgradeAccepted>(judged).response)};
}

StreamResource::StreamResource(Clock& clock, const Freshness& freshness, Lot& lot,
                               HttpMetrics& metrics, const What& what)
    : clock_(clock), freshness_(freshness), lot_(lot), metrics_(metrics), what_(what) {}

LogPath StreamResource::log_path(std::string_view key) const {
  return what_.ends ? LogPath::of_job(key, what_.path) : LogPath(what_.path);
}

void StreamResource::handle(std::string_view key, const httplib::Request& request,
                            Exchange& exchange) {
  const std::variant<StreamQuery, BadQuery> parsed = parse_stream_query(request);
  if (const auto* const bad = std::get_if<BadQuery>(&parsed)) {
    return refuse(key, problem(bad->status, bad->detail), exchange);
  }
  if (!what_.ends && (request.has_param("until") || request.has_param("expect"))) {
    return refuse(key, problem(400, "until and expect are for a job's stream; this one has no end"),
                  exchange);
  }
  std::variant<OpenedStream, httplib::Response> opened = what_.open(request);
  if (const auto* const refused = std::get_if<httplib::Response>(&opened)) {
    return refuse(key, *refused, exchange);
  }
  begin(key, std::get<StreamQuery>(parsed), std::get<OpenedStream>(std::move(opened)), exchange);
}

void StreamResource::begin(std::string_view key, const StreamQuery& query, OpenedStream opened,
                           Exchange& exchange) {
  if (!freshness_.ready()) {
    count(metrics_.refused(RequestRefusal::kNotReady));
    return put_off(key, std::move(opened), "the jobs are still being read from NATS", exchange);
  }
  const TimePoint now = exchange.facts().received;
  Waiter::Terms terms = terms_of(query);
  const Lot::Look look = what_.ends ? lot_.look(key, terms, now) : Lot::Look{};
  if (freshness_.stale(now) && (look.snapshot == nullptr || !look.snapshot->final)) {
    count(metrics_.refused(RequestRefusal::kNotFresh));
    return put_off(key, std::move(opened), "NATS is away, jobs may have moved", exchange);
  }
  if (what_.ends && look.snapshot == nullptr) {
    return refuse(key, problem(404, "job-not-found", "Job not found", "there is no job of this id"),
                  exchange);
  }
  const bool over = look.verdict == Verdict::kHolds || look.verdict == Verdict::kNever;
  if (what_.ends && over && what_.hides_trouble) {
    // The one status that makes a browser's EventSource stay away without an error.
    httplib::Response response;
    response.status = 204;
    response.set_header("Cache-Control", "no-store");
    return exchange.send(response, log_path(key));
  }
  open(key, std::move(terms), std::move(opened), exchange);
}

Waiter::Terms StreamResource::terms_of(const StreamQuery& query) const {
  Waiter::Terms terms;
  terms.condition = what_.ends ? Condition::news_until(query.end) : Condition::change();
  if (query.last_event_id) terms.seen = ValidatorList(*query.last_event_id);
  return terms;
}

void StreamResource::open(std::string_view key, Waiter::Terms terms, OpenedStream opened,
                          Exchange& exchange) {
  count(metrics_.*what_.opened);
  if (exchange.facts().head) {
    exchange.facts().close = true;
    return exchange.send_stream_head(opened.head, log_path(key));
  }
  const auto seconds = opened.stream->heartbeat().count();
  const std::string first = whole_record(*opened.stream, "open",
                                         "{\"heartbeat_seconds\":" + std::to_string(seconds) + "}");
  exchange.open_stream(*this, key, std::move(terms), std::move(opened.stream), opened.head, first);
}

void StreamResource::refuse(std::string_view key, const httplib::Response& problem,
                            Exchange& exchange) {
  exchange.send(problem, log_path(key));
}

void StreamResource::put_off(std::string_view key, OpenedStream opened, std::string_view detail,
                             Exchange& exchange) {
  if (!what_.hides_trouble) {
    httplib::Response response = problem(503, "not-fresh", "Service Unavailable", detail);
    response.set_header("Retry-After", "1");
    return refuse(key, response, exchange);
  }
  open(key, {}, std::move(opened), exchange);
  if (exchange.stream() != nullptr) exchange.end_stream(Stream::End::kTrouble);
}

void StreamResource::go_on(Exchange& exchange) {
  while (!exchange.stuck()) {
    // News and what the client says do not put the heartbeat off.
    const TimePoint now = clock_.now();
    TimePoint& heartbeat = exchange.terms().deadline;
    if (heartbeat <= now) heartbeat = after(now, exchange.stream()->heartbeat());
    Lot::Parked parked{};
    Lot::Look look;
    if (exchange.park_stream(parked, look) == Exchange::Park::kParked) return;
    const bool news = look.verdict == (what_.ends ? Verdict::kNews : Verdict::kHolds);
    if (parked == Lot::Parked::kReady && !news) return conclude(look.snapshot, exchange);
    if (news) tell_news(look.snapshot, exchange);
    if (exchange.stream() == nullptr) return;
    if (parked == Lot::Parked::kFull) {
      count(metrics_.refused(RequestRefusal::kShed));
      return exchange.end_stream(Stream::End::kTrouble);
    }
    if (parked == Lot::Parked::kDraining) return exchange.end_stream(Stream::End::kDrain);
  }
}

void StreamResource::finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                            Exchange& exchange) {
  switch (outcome) {
    case Outcome::kNow:
    case Outcome::kChanged:
      return tell_news(snapshot, exchange);
    case Outcome::kDone:
    case Outcome::kGone:
      return conclude(snapshot, exchange);
    case Outcome::kShed:
      return exchange.end_stream(Stream::End::kTrouble);
    case Outcome::kDrain:
      return exchange.end_stream(Stream::End::kDrain);
    case Outcome::kTimeout:
      break;
  }
  // Silence would look as if nothing had happened.
  if (freshness_.stale(clock_.now())) return exchange.end_stream(Stream::End::kTrouble);
  std::string heartbeat;
  const bool alive = exchange.stream()->append_heartbeat(heartbeat);
  if (!alive) return exchange.end_stream(Stream::End::kProtocol);
  exchange.write(heartbeat);
}

void StreamResource::receive(std::string_view bytes, Exchange& exchange) {
  std::string answer;
  const bool goes_on = exchange.stream()->receive(bytes, answer);
  if (!answer.empty()) exchange.write(answer);
  if (!goes_on) exchange.end_stream(Stream::End::kProtocol);
}

void StreamResource::tell(const std::shared_ptr<const Snapshot>& snapshot, Exchange& exchange) {
  const EntityTag& tag = snapshot->json.tag;
  const bool as_written = exchange.stream()->takes_lines() || snapshot->json_line.empty();
  const std::string_view data = as_written ? snapshot->json.bytes : snapshot->json_line;
  std::string head;
  std::string tail;
  exchange.stream()->wrap({what_.event, &tag, data}, head, tail);
  count(metrics_.mine().stream_records);
  if (what_.ends && snapshot->final) {
    tail += whole_record(*exchange.stream(), "end", summary_of(*snapshot));
    return exchange.end_stream(Stream::End::kOver, std::move(head), snapshot, data,
                               std::move(tail));
  }
  exchange.terms().seen = ValidatorList(tag);
  exchange.write(head, snapshot, data, tail);
}

void StreamResource::conclude(const std::shared_ptr<const Snapshot>& snapshot, Exchange& exchange) {
  exchange.end_stream(
      Stream::End::kOver,
      snapshot != nullptr
          ? whole_record(*exchange.stream(), "end", summary_of(*snapshot))
          : whole_record(*exchange.stream(), "gone", "{\"id\":\"" + exchange.key() + "\"}"));
}

}  // namespace bide
