// The half of server/api/stream_resource.h that opens streams: judges the request and sends the
// head.
#include <algorithm>
#include <string>
#include <utility>

#include "server/api/stream_resource.h"
#include "server/http/problem.h"
#include "server/sse/event_stream.h"
#include "server/websocket/web_socket_handshake.h"
#include "server/websocket/web_socket_stream.h"

namespace bide {

namespace {

// Of the feed: how many jobs may be told by patches at a time. They take 6 KiB of each stream.
constexpr std::size_t kFeedJobsSent = 256;

void select(const SelectionPtr& selection, Target& target) {
  if (auto* const feed = std::get_if<Feed>(&target)) feed->selection = selection;
  if (auto* const statistics = std::get_if<Statistics>(&target)) statistics->selection = selection;
}

}  // namespace

OpenedStream open_event_stream(const http::Request& request, bool /*named_origin*/) {
  const bool chunked = request.version == "HTTP/1.1";  // HTTP/2 has frames for that.
  return std::make_unique<EventStream>(chunked);
}

OpenedStream open_web_socket(const http::Request& request, bool named_origin) {
  std::variant<UpgradeAccepted, http::Response> judged = judge_upgrade(request, named_origin);
  if (auto* const refused = std::get_if<http::Response>(&judged)) return std::move(*refused);
  return std::make_unique<WebSocketStream>(std::move(std::get<UpgradeAccepted>(judged).response));
}

void StreamResource::handle(const http::Request& request, Exchange& exchange) {
  const std::variant<StreamQuery, BadQuery> parsed = parse_stream_query(request, what_.ends);
  if (const auto* const bad = std::get_if<BadQuery>(&parsed)) {
    return exchange.send(problem(bad->status, bad->detail));
  }
  OpenedStream opened = what_.open(request, exchange.facts().named_origin);
  if (const auto* const refused = std::get_if<http::Response>(&opened)) {
    return exchange.send(*refused);
  }
  const auto& query = std::get<StreamQuery>(parsed);
  auto& stream = std::get<std::unique_ptr<Stream>>(opened);
  if (query.every.count() > 0 || query.patches) {
    stream->wishes = std::make_unique<Stream::Wishes>();
    stream->wishes->every = query.every;
    const bool of_all = std::holds_alternative<Feed>(exchange.target());
    if (query.patches) stream->wishes->sent.resize(of_all ? kFeedJobsSent : 1);
  }
  exchange.prepare_stream(std::move(stream));
  if (exchange.facts().over_rate) {
    count(context_.metrics.refused(RequestRefusal::kRate));
    return put_off(passing_problem(429, "this client asks too often"), exchange);
  }
  if (!freshness().ready()) {
    count(context_.metrics.refused(RequestRefusal::kNotReady));
    return put_off(not_fresh("the jobs are still being read from NATS"), exchange);
  }
  if (query.selection != nullptr) select(query.selection, exchange.target());
  exchange.terms = terms_of(query);
  exchange.terms.patches = query.patches;
  const bool behind = query.last_event_id && freshness().catch_up().behind(*query.last_event_id);
  if (behind) return catch_up(Stage::kFresh, exchange);
  judge(exchange.facts().received, exchange);
}

void StreamResource::catch_up(Stage stage, Exchange& exchange) {
  if (!exchange.take_places()) return refuse_place(exchange);
  wait_in(stage, exchange.facts().received + kPatience, exchange);
}

void StreamResource::refuse_behind(Outcome /*outcome*/, Exchange& exchange) {
  count(context_.metrics.refused(RequestRefusal::kNotCaughtUp));
  put_off(not_fresh("what is known here may be old, and NATS did not tell in time"), exchange);
}

void StreamResource::judge(TimePoint /*now*/, Exchange& exchange) {
  exchange.terms.deadline = {};
  const TimePoint now = exchange.facts().received;
  const Look look =
      what_.ends ? context_.table.look(exchange.target(), exchange.terms, now) : Look{};
  if (freshness().stale(now) && (look.snapshot == nullptr || !look.snapshot->final)) {
    count(context_.metrics.refused(RequestRefusal::kNotFresh));
    return put_off(not_fresh("NATS is away, jobs may have moved"), exchange);
  }
  if (what_.ends && look.snapshot == nullptr) {
    if (!exchange.facts().caught_up) return catch_up(Stage::kExists, exchange);
    return exchange.send(problem(404, kJobNotFound, "Job not found", "there is no job of this id"));
  }
  const bool over = look.verdict == Verdict::kHolds || look.verdict == Verdict::kNever;
  if (what_.ends && over && what_.hides_trouble) {
    // The one status that makes a browser's EventSource stay away without an error.
    http::Response response;
    response.status = 204;
    response.set_header("Cache-Control", "no-store");
    return exchange.send(response);
  }
  if (!exchange.facts().head && !exchange.take_places()) return refuse_place(exchange);
  open(exchange);
}

Waiter::Terms StreamResource::terms_of(const StreamQuery& query) const {
  Waiter::Terms terms;
  terms.condition = what_.ends ? Condition::news_until(query.end) : Condition::change();
  if (query.last_event_id) terms.seen = ValidatorList(*query.last_event_id);
  return terms;
}

void StreamResource::open(Exchange& exchange) {
  count(context_.metrics.*what_.opened);
  if (exchange.facts().head) return exchange.send_stream_head();
  exchange.open_stream([](const Stream& stream) {
    const auto seconds = stream.heartbeat().count();
    return stream.whole_record(Stream::kHello,
                               "{\"heartbeat_seconds\":" + std::to_string(seconds) + "}");
  });
}

void StreamResource::refuse_place(Exchange& exchange) {
  count(context_.metrics.refused(RequestRefusal::kClientParked));
  put_off(passing_problem(429, "this client has too many streams and requests held"), exchange);
}

void StreamResource::put_off(const http::Response& problem, Exchange& exchange) {
  if (!what_.hides_trouble) return exchange.send(problem);
  open(exchange);
  if (exchange.stream() != nullptr) exchange.end_stream(Stream::End::kTrouble);
}

}  // namespace bide
