// The half of server/api/stream_resource.h that opens streams: judges the request, catches up where
// the client knows more, and sends the head.
#include <algorithm>
#include <string>
#include <utility>

#include "server/api/stream_resource.h"
#include "server/http/problem.h"
#include "server/sse/event_stream.h"
#include "server/websocket/web_socket_handshake.h"
#include "server/websocket/web_socket_stream.h"

namespace bide {

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

void StreamResource::handle(std::string_view key, const httplib::Request& request,
                            Exchange& exchange) {
  const std::variant<StreamQuery, BadQuery> parsed = parse_stream_query(request, what_.ends);
  if (const auto* const bad = std::get_if<BadQuery>(&parsed)) {
    return refuse(key, problem(bad->status, bad->detail), exchange);
  }
  std::variant<OpenedStream, httplib::Response> opened =
      what_.open(request, exchange.facts().named_origin);
  if (const auto* const refused = std::get_if<httplib::Response>(&opened)) {
    return refuse(key, *refused, exchange);
  }
  auto& stream = std::get<OpenedStream>(opened);
  if (exchange.facts().over_rate) {
    count(context_.metrics.refused(RequestRefusal::kRate));
    return put_off(key, std::move(stream), passing_problem(429, "this client asks too often"),
                   exchange);
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
  if (!exchange.take_places()) return refuse_place(key, std::move(opened), exchange);
  exchange.opening() = std::make_unique<OpenedStream>(std::move(opened));
  terms.deadline = exchange.facts().received + CatchingUp::kPatience;
  const std::string own_key(key);  // `key` may be the connection's, which may be gone meanwhile.
  const auto not_held = catching_up_.hold(own_key, std::move(terms), exchange);
  if (not_held) resume(*not_held, exchange);
}

void StreamResource::resume(Outcome outcome, Exchange& exchange) {
  const std::string key = exchange.key();
  const std::unique_ptr<OpenedStream> opened = std::move(exchange.opening());
  if (outcome != Outcome::kChanged) {
    count(context_.metrics.refused(RequestRefusal::kNotCaughtUp));
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
    return refuse(key, problem(404, kJobNotFound, "Job not found", "there is no job of this id"),
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
  if (!exchange.facts().head && !exchange.take_places()) {
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
  const std::string first = opened.stream->whole_record(
      Stream::kHello, "{\"heartbeat_seconds\":" + std::to_string(seconds) + "}");
  exchange.open_stream(*this, key, std::move(terms), std::move(opened.stream), opened.head, first);
}

void StreamResource::refuse(std::string_view key, const httplib::Response& problem,
                            Exchange& exchange) {
  exchange.send(problem, log_path(key));
}

void StreamResource::refuse_place(std::string_view key, OpenedStream opened, Exchange& exchange) {
  count(context_.metrics.refused(RequestRefusal::kClientParked));
  put_off(key, std::move(opened),
          passing_problem(429, "this client has too many streams and requests held"), exchange);
}

void StreamResource::put_off(std::string_view key, OpenedStream opened,
                             const httplib::Response& problem, Exchange& exchange) {
  if (!what_.hides_trouble) return refuse(key, problem, exchange);
  open(key, {}, std::move(opened), exchange);
  if (exchange.stream() != nullptr) exchange.end_stream(Stream::End::kTrouble);
}

}  // namespace bide
