#include "server/stream_resource.h"

#include <algorithm>
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

// When something is due on the stream though there are no news: a heartbeat, or its end.
TimePoint silence_end(TimePoint now, Exchange& exchange) {
  return std::min(after(now, exchange.stream()->heartbeat()), exchange.facts().token_expires);
}

httplib::Response later(httplib::Response response) {
  response.set_header("Retry-After", "1");
  return response;
}

httplib::Response too_many(std::string_view detail) { return later(problem(429, detail)); }

httplib::Response not_fresh(std::string_view detail) {
  return later(problem(503, "not-fresh", "Service Unavailable", detail));
}

}  // namespace

std::variant<OpenedStream, httplib::Response> open_event_stream(const httplib::Request& request,
                                                                bool /*named_origin*/) {
  const bool chunked = request.version != "HTTP/1.0";
  return OpenedStream{std::make_unique<EventStream>(chunked), EventStream::head(chunked)};
}

std::variant<OpenedStream, httplib::Response> open_web_socket(const httplib::Request& request,
                                                              bool named_origin) {
  std::variant<UpgradeAccepted, httplib::Response> judged = judge_upgrade(request, named_origin);
  if (auto* const refused = std::get_if<httplib::Response>(&judged)) return std::move(*refused);
  return OpenedStream{std::make_unique<WebSocketStream>(),
                      std::move(std::get<UpgradeAccepted>(judged).response)};
}

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
  std::variant<OpenedStream, httplib::Response> opened =
      what_.open(request, exchange.facts().named_origin);
  if (const auto* const refused = std::get_if<httplib::Response>(&opened)) {
    return refuse(key, *refused, exchange);
  }
  auto& stream = std::get<OpenedStream>(opened);
  if (exchange.facts().over_rate) {
    count(context_.metrics.refused(RequestRefusal::kRate));
    return put_off(key, std::move(stream), too_many("this client asks too often"), exchange);
  }
  if (!context_.freshness.ready()) {
    count(context_.metrics.refused(RequestRefusal::kNotReady));
    return put_off(key, std::move(stream), not_fresh("the jobs are still being read from NATS"),
                   exchange);
  }
  const auto& query = std::get<StreamQuery>(parsed);
  const bool behind =
      query.last_event_id && context_.freshness.catch_up().behind(*query.last_event_id);
  if (behind) return catch_up(key, terms_of(query), std::move(stream), exchange);
  begin(key, terms_of(query), std::move(stream), exchange);
}

void StreamResource::catch_up(std::string_view key, Waiter::Terms terms, OpenedStream opened,
                              Exchange& exchange) {
  if (!exchange.take_place()) return refuse_place(key, std::move(opened), exchange);
  exchange.opening() = std::make_unique<OpenedStream>(std::move(opened));
  terms.deadline = exchange.facts().received + CatchingUp::kPatience;
  const std::string own_key(key);  // `key` may be the connection's, which may be gone meanwhile.
  if (!catching_up_.hold(own_key, std::move(terms), exchange)) resume(false, exchange);
}

void StreamResource::resume(bool caught_up, Exchange& exchange) {
  const std::string key = exchange.key();
  const std::unique_ptr<OpenedStream> opened = std::move(exchange.opening());
  if (!caught_up) {
    return put_off(key, std::move(*opened),
                   not_fresh("what is known here may be old, and NATS did not tell in time"),
                   exchange);
  }
  Waiter::Terms terms = std::move(exchange.terms());
  terms.deadline = {};
  begin(key, std::move(terms), std::move(*opened), exchange);
}

void StreamResource::begin(std::string_view key, Waiter::Terms terms, OpenedStream opened,
                           Exchange& exchange) {
  const TimePoint now = exchange.facts().received;
  const Lot::Look look = what_.ends ? lot_.look(key, terms, now) : Lot::Look{};
  if (context_.freshness.stale(now) && (look.snapshot == nullptr || !look.snapshot->final)) {
    count(context_.metrics.refused(RequestRefusal::kNotFresh));
    return put_off(key, std::move(opened), not_fresh("NATS is away, jobs may have moved"),
                   exchange);
  }
  if (what_.ends && look.snapshot == nullptr) {
    if (!exchange.facts().caught_up) {
      return catch_up(key, std::move(terms), std::move(opened), exchange);
    }
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
  if (!exchange.facts().head && !exchange.take_place()) {
    return refuse_place(key, std::move(opened), exchange);
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
  count(context_.metrics.*what_.opened);
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

void StreamResource::refuse_place(std::string_view key, OpenedStream opened, Exchange& exchange) {
  count(context_.metrics.refused(RequestRefusal::kClientParked));
  put_off(key, std::move(opened), too_many("this client has too many streams and requests held"),
          exchange);
}

void StreamResource::put_off(std::string_view key, OpenedStream opened,
                             const httplib::Response& problem, Exchange& exchange) {
  if (!what_.hides_trouble) return refuse(key, problem, exchange);
  open(key, {}, std::move(opened), exchange);
  if (exchange.stream() != nullptr) exchange.end_stream(Stream::End::kTrouble);
}

void StreamResource::go_on(Exchange& exchange) {
  while (!exchange.stuck()) {
    // News and what the client says do not put the heartbeat off.
    const TimePoint now = context_.clock.now();
    TimePoint& heartbeat = exchange.terms().deadline;
    if (exchange.facts().token_expires <= now) return exchange.end_stream(Stream::End::kAuth);
    if (heartbeat <= now) heartbeat = silence_end(now, exchange);
    Lot::Parked parked{};
    Lot::Look look;
    if (exchange.park_stream(parked, look) == Exchange::Park::kParked) return;
    const bool news = look.verdict == (what_.ends ? Verdict::kNews : Verdict::kHolds);
    if (parked == Lot::Parked::kReady && !news) return conclude(look.snapshot, exchange);
    if (news) tell_news(look.snapshot, exchange);
    if (exchange.stream() == nullptr) return;
    if (parked == Lot::Parked::kFull) {
      count(context_.metrics.refused(RequestRefusal::kShed));
      return exchange.end_stream(Stream::End::kTrouble);
    }
    if (parked == Lot::Parked::kDraining) return exchange.end_stream(Stream::End::kDrain);
  }
}

void StreamResource::finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                            Exchange& exchange) {
  if (exchange.facts().token_expires <= context_.clock.now()) {
    return exchange.end_stream(Stream::End::kAuth);
  }
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
    case Outcome::kAuth:
      return tell_heartbeat(exchange);
  }
}

void StreamResource::tell_heartbeat(Exchange& exchange) {
  // Silence would look as if nothing had happened. And whose token may have been revoked since is
  // to come again with it.
  if (context_.freshness.stale(context_.clock.now()) ||
      context_.admission.outdated(exchange.facts())) {
    return exchange.end_stream(Stream::End::kTrouble);
  }
  std::string heartbeat;
  const bool alive = exchange.stream()->append_heartbeat(heartbeat);
  if (!alive) return exchange.end_stream(Stream::End::kProtocol);
  exchange.write(heartbeat);
}

void StreamResource::receive(std::string_view bytes, Exchange& exchange) {
  std::string answer;
  const auto on_token = [&](std::string_view token) {
    if (!context_.admission.renew(token, exchange.facts())) return false;
    // The next heartbeat may have been due with the old token's end: too soon for a ping's answer.
    exchange.terms().deadline = silence_end(context_.clock.now(), exchange);
    return true;
  };
  const bool goes_on = exchange.stream()->receive(bytes, answer, on_token);
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
  count(context_.metrics.mine().stream_records);
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
