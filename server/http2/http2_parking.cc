// The half of server/http2/http2.h that serves exchanges, parks them, and goes on with streams.
#include <new>
#include <utility>

#include "server/http/problem.h"
#include "server/http2/http2.h"

namespace bide {
namespace {

Http2Exchange& own(Exchange& exchange) { return static_cast<Http2Exchange&>(exchange); }

}  // namespace

// --- Requests ---------------------------------------------------------------------------------

template <typename Call>
void Http2::ask_resource(Http2Exchange& exchange, Exchange::Turn& turn, Call&& call) {
  exchange.begin_turn(turn);
  try {
    call();
  } catch (const std::bad_alloc&) {
    if (!turn.handed_over) reset_without_memory(exchange);
  }
}

void Http2::reset_without_memory(Http2Exchange& exchange) {
  count(front_.metrics().out_of_memory);
  exchange.drop_stream();
  exchange.give_back_places();
  session_of(exchange).reset(exchange, NGHTTP2_INTERNAL_ERROR);
}

void Http2::serve(Http2Exchange& exchange, const http::Request& request,
                  const std::optional<std::string>& host) {
  Connection& connection = exchange.connection();
  if (!front_.accepts_client(connection)) {
    return session_of(exchange).break_off(NGHTTP2_NO_ERROR);
  }
  dispatcher_.begin(request, connection.exchange.address, exchange);
  exchange.facts().http2 = true;
  Exchange::Turn turn;
  ask_resource(exchange, turn, [&] { dispatcher_.dispatch(request, host, exchange); });
  if (turn.handed_over || exchange.streaming()) return;
  front_.metrics().mine().service.observe(front_.clock().now() - exchange.facts().received);
  exchange.forget_request();
}

void Http2::reject(Http2Exchange& exchange, const Refusal& refusal, std::string_view method) {
  count(front_.metrics().rejected(refusal.status));
  exchange.address = exchange.connection().exchange.address;
  RequestFacts& facts = exchange.facts();
  facts = {};
  facts.received = front_.clock().now();
  facts.head = method == "HEAD";
  facts.http2 = true;
  Exchange::Turn turn;
  ask_resource(exchange, turn, [&] { exchange.send(problem(refusal.status, refusal.detail)); });
}

void Http2::end(Http2Exchange& exchange) noexcept {
  if (exchange.take_back()) {
    parker_.unpark(exchange);
    count(front_.metrics().clients_gone);
    front_.access_logger().gone(exchange);
  }
  if (exchange.away()) {
    exchange.gone = true;
    return;
  }
  exchange.give_back_places();
  exchange.drop_stream();
  front_.sender().drop_unsent(exchange);
  delete &exchange;
}

// --- Parking ----------------------------------------------------------------------------------

Parked Http2::park(Exchange& parking, Look& look) {
  Http2Exchange& exchange = own(parking);
  exchange.news_at = {};
  const Parker::Ask ask = parker_.ask_of(exchange);
  Tally& tally = parker_.tally(exchange);
  exchange.begin_parking();
  Parked parked{};
  try {
    parked = parker_.park(ask, exchange, 0, look);
  } catch (const std::bad_alloc&) {
    if (exchange.take_back()) throw;
    parked = Parked::kParked;
  }
  if (was_handed_over(parked)) {
    count(tally);
  } else {
    exchange.come_back();
  }
  return parked;
}

void Http2::answer(Exchange& answered, Outcome outcome,
                   const std::shared_ptr<const Snapshot>& snapshot) noexcept {
  Http2Exchange& exchange = own(answered);
  parker_.tally(exchange).subtract(1);
  exchange.outcome = outcome;
  exchange.state = snapshot;
  const std::shared_ptr<AnswerQueue> answers = exchange.answers;
  if (answers->push(exchange)) return;
  exchange.come_back();
  end(exchange);
}

void Http2::lose(Exchange& lost) noexcept {
  Http2Exchange& exchange = own(lost);
  exchange.lost = true;
  answer(exchange, Outcome::kNow, nullptr);
}

bool Http2::answer_queued(Http2Session& session) {
  constexpr int kAnswersPerRound = 1000;  // Some milliseconds.
  int answers = 0;
  for (; answers < kAnswersPerRound; ++answers) {
    Http2Exchange* const exchange = session.take_answered();
    if (exchange == nullptr) break;
    if (exchange->gone) {
      end(*exchange);
    } else {
      finish(*exchange);
    }
  }
  return answers > 0;
}

void Http2::finish(Http2Exchange& exchange) {
  const std::shared_ptr<const Snapshot> state = std::move(exchange.state);
  if (exchange.lost) return reset_without_memory(exchange);
  const bool was_stream = exchange.streaming();
  Exchange::Turn turn;
  ask_resource(exchange, turn,
               [&] { exchange.resource().finish(exchange.outcome, state, exchange); });
  if (turn.handed_over) return;  // Parked again, in another stage.
  parker_.note_answer(exchange, was_stream, front_.clock().now());
  if (exchange.streaming()) {
    // It wrote nothing.
    if (exchange.unsent == nullptr) exchange.move_to(session_of(exchange).drained);
    return;
  }
  exchange.give_back_places();
  exchange.forget_request();
}

// --- Responses --------------------------------------------------------------------------------

void Http2::transmit(Exchange& sending, const Message& message,
                     const std::shared_ptr<const Snapshot>& owner, bool last) {
  Http2Exchange& exchange = own(sending);
  Http2Session& session = session_of(exchange);
  exchange.last = last;
  std::string_view head;
  Message body = message;
  if (!exchange.responded) {
    constexpr std::string_view kEnd = "\r\n\r\n";
    head = message.text.substr(0, message.text.find(kEnd) + kEnd.size());
    body.text.remove_prefix(head.size());
  }
  if (exchange.unsent != nullptr) {
    exchange.unsent->append(body, owner);
  } else if (body.bytes() != 0) {
    exchange.unsent = std::make_unique<Unsent>(body, owner);
  }
  if (exchange.responded) return session.go_on(exchange);
  session.respond(exchange, head);
}

bool Http2::go_on_drained(Http2Session& session) {
  if (session.drained.alone()) return false;
  ExchangeLink now;  // Those that come back to `drained` have the next round.
  while (!session.drained.alone()) {
    static_cast<Http2Exchange&>(*session.drained.after).move_to(now);
  }
  while (!now.alone()) {
    auto& exchange = static_cast<Http2Exchange&>(*now.after);
    exchange.move_to(session.quiet);
    go_on_streaming(exchange);
  }
  return true;
}

void Http2::go_on_streaming(Http2Exchange& exchange) {
  if (!exchange.streaming()) return;
  Exchange::Turn turn;
  ask_resource(exchange, turn, [&] { exchange.resource().go_on(exchange); });
  if (turn.handed_over || !exchange.streaming() || exchange.unsent != nullptr) return;
  exchange.move_to(session_of(exchange).drained);
}

}  // namespace bide
