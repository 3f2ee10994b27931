// The half of server/http1/http1.h that parks requests and goes on with streams.
#include <array>
#include <cerrno>
#include <chrono>
#include <new>
#include <optional>
#include <utility>

#include "server/http1/http1.h"

namespace bide {
namespace {

using Ahead = Connection::Ahead;

// A client may send its FIN right behind the request and still read (`nc -N`, RFC 9112
// section 9.6). One that gives up sends the same FIN, but hardly ever so soon.
constexpr std::chrono::milliseconds kHalfCloseGrace{2};

// The size of one read from a stream's client, which hardly ever sends more than a pong.
constexpr std::size_t kHearBytes = 4096;

}  // namespace

void Http1::look_for_fin(Connection& connection) {
  if (connection.look_ahead() == Ahead::kFin) connection.half_closed = true;
}

// --- Parking ----------------------------------------------------------------------------------

Parked Http1::park(Exchange& exchange, Look& look) {
  Connection& connection = exchange.connection();
  const bool has_rest = !exchange.turn().rest.empty();
  if (has_rest) keep(connection, exchange.turn().rest);
  front_.count_or_forget(connection);
  connection.phase = Connection::Phase::kParked;
  // A client that is gone counts as parked, too, because unpark() counts it down.
  const std::uint64_t events_key = Front::key_of(connection);
  Tally& tally = parker_.tally(exchange);
  const Parker::Ask ask = parker_.ask_of(exchange);
  exchange.news_at = {};
  // When a stream or a request is parked again, a FIN that came meanwhile says that the client has
  // left.
  if (!exchange.streaming() && !exchange.facts().caught_up) look_for_fin(connection);
  front_.watch_for_tls(connection);
  const Connection::Parked rested = connection.rest_parked();
  if (rested.urgent != Connection::kNone) front_.look_again(events_key, rested.urgent);
  Parked parked{};
  try {
    parked = parker_.park(ask, exchange, rested.ticket, look);
  } catch (const std::bad_alloc&) {
    if (connection.claim(rested.ticket)) throw;  // It is ours again, so we may throw.
    parked = Parked::kGone;
  }
  // Not parked. A thread that saw a hang-up may have claimed it meanwhile.
  if (was_handed_over(parked) || !connection.claim(rested.ticket)) {
    count(tally);
    return was_handed_over(parked) ? parked : Parked::kGone;
  }
  connection.phase = Connection::Phase::kReading;
  if (has_rest) connection.session.reset();  // The caller still has these bytes.
  return parked;
}

void Http1::park_again(Connection& connection) {
  Exchange& exchange = connection.exchange;
  if (exchange.streaming()) return go_on_streaming(connection);
  Exchange::Turn turn;
  exchange.begin_turn(turn);
  Look look;
  switch (park(exchange, look)) {
    case Parked::kParked:
    case Parked::kGone:
      return;
    case Parked::kReady:
      return finish(exchange, Parker::outcome_of(exchange.terms, look), look.snapshot);
    case Parked::kFull:
    case Parked::kTooMany:
      return finish(exchange, Outcome::kShed, look.snapshot);
    case Parked::kDraining:
      return finish(exchange, Outcome::kDrain, look.snapshot);
  }
}

// --- The answer -------------------------------------------------------------------------------

void Http1::answer(Exchange& exchange, Outcome outcome,
                   const std::shared_ptr<const Snapshot>& snapshot) noexcept {
  parker_.tally(exchange).subtract(1);
  front_.guarded(exchange.connection(), [&] { finish(exchange, outcome, snapshot); });
}

void Http1::lose(Exchange& exchange) noexcept {
  parker_.tally(exchange).subtract(1);
  Connection& connection = exchange.connection();
  front_.guarded(connection, [&] {
    if (exchange.streaming()) throw std::bad_alloc();
    send_out_of_memory(exchange);
    front_.finish_sending(connection, front_.clock().now());
  });
}

void Http1::finish(Exchange& exchange, Outcome outcome,
                   const std::shared_ptr<const Snapshot>& snapshot) {
  if (front_.leaving()) exchange.facts().close = true;
  const bool was_stream = exchange.streaming();
  Exchange::Turn turn;
  ask_resource(exchange, turn, [&] { exchange.resource().finish(outcome, snapshot, exchange); });
  if (turn.handed_over) return;  // Parked again, in another stage.
  const TimePoint now = front_.clock().now();
  parker_.note_answer(exchange, was_stream, now);
  if (!exchange.streaming()) {
    exchange.give_back_places();
    exchange.forget_request();
  }
  front_.finish_sending(exchange.connection(), now);
}

// --- What is heard while it is parked ---------------------------------------------------------

void Http1::hear(Connection& connection, Connection::News news) {
  const Stream* const stream = connection.exchange.stream();
  if (stream != nullptr && stream->listens()) return hear_stream(connection, news);
  if (news == Connection::kInput) return look_at_records(connection);
  unpark(connection);
  left(connection, news);
}

void Http1::left(Connection& connection, Connection::News news) {
  const bool only_fin = (news & Connection::kReset) == 0;
  const auto since = front_.clock().now() - connection.exchange.facts().received;
  if (only_fin && since < kHalfCloseGrace) {
    connection.half_closed = true;
    connection.note(news);  // To be handled after the answer.
    return park_again(connection);
  }
  leave(connection);
}

void Http1::leave(Connection& connection) {
  count(front_.metrics().clients_gone);
  front_.access_logger().gone(connection.exchange);
  front_.close(connection);
}

// The input may be a TLS record without data, or the client's close_notify. Data is the next
// request, and stays where it is.
void Http1::look_at_records(Connection& connection) {
  unpark(connection);
  switch (connection.look_ahead()) {
    case Ahead::kFin:
      return left(connection, Connection::kFin);
    case Ahead::kReset:
      return leave(connection);
    case Ahead::kInput:
    case Ahead::kNothing:
      return front_.count_kept(connection) ? park_again(connection) : leave(connection);
  }
}

// The client of a WebSocket may send frames at any time, and leaves with a frame before its FIN.
void Http1::hear_stream(Connection& connection, Connection::News news) {
  unpark(connection);
  std::array<char, kHearBytes> buffer;
  const ssize_t got = connection.receive(buffer);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return leave(connection);
  if (got > 0) {
    // Edge-triggered: epoll will not report the FIN behind these bytes again.
    connection.note(static_cast<Connection::News>(news & ~Connection::kInput));
    Exchange::Turn turn;
    take_said({buffer.data(), static_cast<std::size_t>(got)}, connection.exchange, turn);
  }
  front_.finish_sending(connection, front_.clock().now());
}

void Http1::take_said(std::string_view bytes, Exchange& exchange, Exchange::Turn& turn) {
  ask_resource(exchange, turn, [&] { exchange.resource().receive(bytes, exchange); });
  if (!exchange.streaming() || front_.count_kept(exchange.connection())) return;
  exchange.end_stream(Stream::End::kTrouble);
}

// --- Streams ----------------------------------------------------------------------------------

// Input that came right behind the request is handled before anything is sent.
void Http1::go_on_streaming(Connection& connection) {
  Exchange& exchange = connection.exchange;
  Exchange::Turn turn;
  if (connection.session != nullptr && exchange.stream()->listens()) {
    const std::unique_ptr<Reading> reading = take_reading(connection);
    take_said(reading->input, exchange, turn);
  }
  if (exchange.streaming() && !exchange.stuck()) {
    ask_resource(exchange, turn, [&] { exchange.resource().go_on(exchange); });
  }
  if (turn.handed_over) return;
  if (exchange.streaming() && !exchange.stuck()) {
    // A stream with much to send lets others have their turn, however fast its client reads.
    return front_.enqueue(connection, Front::Place::kTurn);
  }
  front_.finish_sending(connection, front_.clock().now());
}

}  // namespace bide
