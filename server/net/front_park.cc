// The part of server/net/front.h where requests are parked and streams go round.
#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include "server/net/front.h"
#include "server/net/transport.h"

namespace bide {
namespace {

// A client may send its FIN right behind the request and still read (`nc -N`, RFC 9112
// section 9.6). One that gives up sends the same FIN, but hardly ever so soon.
constexpr std::chrono::milliseconds kHalfCloseGrace{2};

// What one read takes of what the client of a stream says: hardly ever more than a pong.
constexpr std::size_t kHearBytes = 4096;

// Of a request that was parked and now needs not be: as an attendant would have said.
Outcome outcome_of(const Waiter::Terms& terms, const Lot::Look& look) {
  if (look.snapshot == nullptr) return Outcome::kGone;
  return terms.condition.kind() == Condition::Kind::kChange ? Outcome::kChanged : Outcome::kDone;
}

}  // namespace

void Front::look_for_fin(Connection& connection) {
  if (look_ahead(connection) == Ahead::kFin) connection.half_closed = true;
}

Lot::Parked Front::park(Connection& connection, std::string_view key, Lot::Look& look) {
  count_or_forget(connection);
  connection.phase = Connection::Phase::kParked;
  Lot& lot = connection.holder->lot();
  const std::uint64_t events_key = key_of(connection);
  // Not the connection's, once it is parked. Who is gone was parked as well: see hang_up().
  Tally& tally = parked_tally(connection);
  connection.news_at = {};
  const TimePoint since = connection.stream != nullptr ? clock_.now() : connection.facts.received;
  // Of what is parked again, as a stream that goes round, a FIN that came meanwhile is a goodbye.
  if (connection.stream == nullptr && !connection.facts.caught_up) look_for_fin(connection);
  watch_for_tls(connection);
  const Connection::Parked rested = connection.rest_parked();
  if (rested.urgent != Connection::kNone) look_again(events_key, rested.urgent);
  Lot::Parked parked{};
  try {
    parked = lot.park(key, connection, rested.ticket, since, look);
  } catch (const std::bad_alloc&) {
    if (connection.claim(rested.ticket)) throw;  // Ours, so it may be thrown.
    parked = Lot::Parked::kGone;
  }
  const bool over = parked == Lot::Parked::kParked || parked == Lot::Parked::kGone;
  // Not parked: a hang-up may have been faster than we are now.
  if (over || !connection.claim(rested.ticket)) {
    count(tally);
    return over ? parked : Lot::Parked::kGone;
  }
  connection.phase = Connection::Phase::kReading;
  return parked;
}

void Front::on_events_while_parked(Connection& connection, Connection::News news) {
  if (connection.stream != nullptr && connection.stream->listens()) return hear(connection, news);
  if (news == Connection::kInput) return look_at_records(connection);
  hang_up(connection, news);
}

void Front::unpark(Connection& connection) {
  parked_tally(connection).subtract(1);
  connection.holder->lot().unpark(connection.key, connection);
}

void Front::hang_up(Connection& connection, Connection::News news) {
  unpark(connection);
  left(connection, news);
}

void Front::left(Connection& connection, Connection::News news) {
  const bool only_fin = (news & Connection::kReset) == 0;
  if (only_fin && clock_.now() - connection.facts.received < kHalfCloseGrace) {
    connection.half_closed = true;
    connection.note(news);  // Still to be dealt with once it is answered.
    return park_again(connection);
  }
  leave(connection);
}

void Front::leave(Connection& connection) {
  count(metrics_.clients_gone);
  access_logger_.gone(connection);
  close(connection);
}

// A client that listens is not deaf either, and says goodbye in frames, not by a FIN alone.
void Front::hear(Connection& connection, Connection::News news) {
  unpark(connection);
  std::array<char, kHearBytes> buffer;
  const ssize_t got = receive(connection, buffer);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return leave(connection);
  if (got > 0) {
    // Edge-triggered: the FIN behind these bytes is told of now or never.
    connection.note(static_cast<Connection::News>(news & ~Connection::kInput));
    Exchange exchange(*this, connection, {});
    take_said(connection, {buffer.data(), static_cast<std::size_t>(got)}, exchange);
  }
  after_response(connection, clock_.now());
}

void Front::take_said(Connection& connection, std::string_view bytes, Exchange& exchange) {
  ask_resource(connection, exchange, [&] { connection.holder->receive(bytes, exchange); });
  if (connection.stream == nullptr || count_kept(connection)) return;
  exchange.end_stream(Stream::End::kTrouble);
}

void Front::park_again(Connection& connection) {
  if (connection.stream != nullptr) return go_on(connection);
  const std::string key = connection.key;
  Lot::Look look;
  switch (park(connection, key, look)) {
    case Lot::Parked::kParked:
    case Lot::Parked::kGone:
      return;
    case Lot::Parked::kReady:
      return finish(connection, outcome_of(connection.terms, look), look.snapshot);
    case Lot::Parked::kFull:
    case Lot::Parked::kTooMany:
      return finish(connection, Outcome::kShed, look.snapshot);
    case Lot::Parked::kDraining:
      return finish(connection, Outcome::kDrain, look.snapshot);
  }
}

void Front::on_answer(Connection& connection, Outcome outcome,
                      std::shared_ptr<const Snapshot> snapshot) noexcept {
  parked_tally(connection).subtract(1);
  guarded(connection, [&] { finish(connection, outcome, snapshot); });
}

void Front::on_lost(Connection& connection) noexcept {
  parked_tally(connection).subtract(1);
  guarded(connection, [&] {
    if (connection.stream != nullptr) throw std::bad_alloc();
    send_out_of_memory(connection);
    after_response(connection, clock_.now());
  });
}

void Front::finish(Connection& connection, Outcome outcome,
                   const std::shared_ptr<const Snapshot>& snapshot) {
  if (draining()) connection.facts.close = true;
  const bool was_stream = connection.stream != nullptr;
  Exchange exchange(*this, connection, connection.input);
  ask_resource(connection, exchange,
               [&] { connection.holder->finish(outcome, snapshot, exchange); });
  if (exchange.handed_over()) return;  // Parked again, for something else.
  const TimePoint now = clock_.now();
  note_answer(connection, was_stream, now);
  if (connection.stream == nullptr) {
    give_back_places(connection);
    std::string().swap(connection.key);
    connection.terms = {};
  }
  after_response(connection, now);
}

void Front::charge(Connection& connection) {
  if (accounts_.limits().per_second == 0) return;
  RequestFacts& facts = connection.facts;
  facts.over_rate = !accounts_.charge(connection.client(), facts.received);
}

bool Front::take_places(Connection& connection, std::uint16_t places) {
  RequestFacts& facts = connection.facts;
  if (accounts_.limits().places == 0 || facts.places != 0) return true;
  if (!accounts_.take(ClientAccounts::Share::kPlaces, connection.client(), places)) return false;
  facts.places = places & RequestFacts::kPlacesMax;
  return true;
}

void Front::give_back_places(Connection& connection) {
  RequestFacts& facts = connection.facts;
  if (facts.places == 0) return;
  accounts_.give_back(ClientAccounts::Share::kPlaces, connection.client(), facts.places);
  facts.places = 0;
}

// What the client sent right behind its request is heard before anything is said.
void Front::go_on(Connection& connection) {
  Exchange exchange(*this, connection, {});
  if (!connection.input.empty() && connection.stream->listens()) {
    const std::string input = std::exchange(connection.input, {});
    take_said(connection, input, exchange);
  }
  if (connection.stream != nullptr && !exchange.stuck()) {
    ask_resource(connection, exchange, [&] { connection.holder->go_on(exchange); });
  }
  if (exchange.handed_over()) return;
  const bool turn_over = connection.stream != nullptr && !exchange.stuck();
  turn_over ? await_turn(connection) : after_response(connection, clock_.now());
}

// However fast its client reads, a stream that has much to tell keeps no thread from others.
void Front::await_turn(Connection& connection) {
  pool_.enqueue_turn([this, &connection] { guarded(connection, [&] { go_on(connection); }); });
}

Tally& Front::parked_tally(const Connection& connection) {
  return metrics_.mine().parked[static_cast<std::size_t>(connection.parked_on)];
}

void Front::note_answer(const Connection& connection, bool was_stream, TimePoint now) {
  HttpTally& mine = metrics_.mine();
  if (!was_stream) mine.held.observe(now - connection.facts.received);
  if (connection.news_at == TimePoint{}) return;
  (was_stream ? mine.stream_news : mine.request_news).observe(now - connection.news_at);
}

void Front::drop_stream(Connection& connection) {
  if (connection.stream == nullptr) return;
  metrics_.streams_open[static_cast<std::size_t>(connection.parked_on)].fetch_sub(
      1, std::memory_order_relaxed);
  connection.stream.reset();
}

}  // namespace bide
