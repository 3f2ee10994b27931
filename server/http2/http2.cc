// The half of server/http2/http2.h that moves bytes.
#include "server/http2/http2.h"

#include <array>
#include <cerrno>

namespace bide {
namespace {

// The size of one read: some hundred small requests, which take about a millisecond.
constexpr std::size_t kReadBytes = 8192;

// So much is sent in a row; then others have their turn.
constexpr std::size_t kTurnBytes = 262'144;

// How often what is late is looked for, while there may be something.
constexpr std::chrono::seconds kLookEvery{1};

}  // namespace

// --- Reading ----------------------------------------------------------------------------------

void Http2::open(Connection& connection) {
  if (connection.session != nullptr) return;
  const Front::Limits& limits = front_.limits();
  connection.silent = false;
  auto session =
      std::make_unique<Http2Session>(connection, static_cast<Http2Session::Handler&>(*this),
                                     connection.proxied ? limits.proxy_streams : limits.streams);
  const TimePoint now = front_.clock().now();
  session->idle_since = now;
  connection.session = std::move(session);
}

void Http2::begin(Connection& connection, std::string_view bytes) {
  open(connection);
  take(connection, bytes);
}

void Http2::read(Connection& connection) {
  thread_local std::array<char, kReadBytes> buffer;
  open(connection);
  const ssize_t got = connection.receive(buffer);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return pump(connection);
  if (got <= 0) return front_.close(connection);
  take(connection, {buffer.data(), static_cast<std::size_t>(got)});
}

void Http2::take(Connection& connection, std::string_view bytes) {
  if (!session_of(connection).receive(bytes)) {
    count(front_.metrics().rejected(400));
    (void)flush(connection);
    return front_.half_close(connection);
  }
  pump(connection);
}

void Http2::take_turn(Connection& connection) {
  Http2Session& session = session_of(connection);
  if (std::exchange(session.bulk_turn, false) && !session.bulk.alone()) {
    session.serve_bulk(static_cast<Http2Exchange&>(*session.bulk.after));
  }
  pump(connection);
}

void Http2::hear(Connection& connection, Connection::News news) {
  connection.note(news);
  rest(connection);
}

void Http2::refuse(Connection& connection, int /*status*/, std::string_view /*detail*/) {
  front_.close(connection);
}

// --- Writing ----------------------------------------------------------------------------------

void Http2::go_on(Connection& connection, TimePoint /*now*/) {
  // It was closing when the socket was full.
  if (connection.session == nullptr) return front_.half_close(connection);
  pump(connection);
}

bool Http2::flush(Connection& connection) {
  thread_local std::string out;
  Http2Session& session = session_of(connection);
  bool sent = false;
  for (std::size_t bytes = 0; bytes < kTurnBytes; bytes += out.size()) {
    out.clear();
    const bool whole = session.fill(out);
    if (out.empty() && whole) break;
    sent = true;
    front_.sender().send(connection, out, nullptr, {}, {});
    if (!whole) connection.broken = true;
    if (connection.exchange.stuck()) break;
  }
  return sent;
}

void Http2::pump(Connection& connection) {
  Http2Session& session = session_of(connection);
  if (front_.leaving()) session.give_notice();
  bool more = true;
  for (int rounds = 0; more; ++rounds) {
    more = answer_queued(session);
    more = flush(connection) || more;
    if (connection.broken) return front_.close(connection);
    if (connection.exchange.unsent != nullptr) break;
    more = go_on_drained(session) || more;
    constexpr int kRoundsPerTurn = 4;
    if (more && rounds == kRoundsPerTurn) {
      return front_.enqueue(connection, Front::Place::kTurn);
    }
  }
  count_unsent(session);
  if (!front_.count_kept(connection)) return break_off(connection, NGHTTP2_ENHANCE_YOUR_CALM);
  if (connection.exchange.unsent != nullptr) {
    return front_.finish_sending(connection, front_.clock().now());
  }
  if (session.over()) return front_.half_close(connection);
  if (!session.bulk.alone()) {
    session.bulk_turn = true;
    return front_.enqueue(connection, Front::Place::kBulk);
  }
  rest(connection);
}

void Http2::break_off(Connection& connection, std::uint32_t error) {
  session_of(connection).break_off(error);
  (void)flush(connection);
  if (connection.broken || connection.exchange.unsent != nullptr) return front_.close(connection);
  front_.half_close(connection);
}

void Http2::count_unsent(Http2Session& session) {
  if (session.sending.alone()) return;
  const TimePoint now = front_.clock().now();
  for (ExchangeLink* link = session.sending.after; link != &session.sending;) {
    auto& exchange = static_cast<Http2Exchange&>(*std::exchange(link, link->after));
    if (exchange.unsent->client != 0) continue;
    exchange.take_by = reaping_of(now + front_.limits().write);
    if (!front_.sender().count_unsent(exchange)) session.reset(exchange, NGHTTP2_ENHANCE_YOUR_CALM);
  }
}

// --- Resting ----------------------------------------------------------------------------------

void Http2::rest(Connection& connection) {
  Http2Session& session = session_of(connection);
  const TimePoint now = front_.clock().now();
  const bool may_be_late = session.incoming() != 0 || !session.sending.alone();
  // Not put off by what the client sends meanwhile.
  session.look_at = may_be_late ? std::min(session.look_at, now + kLookEvery) : kEndOfTime;
  constexpr std::chrono::hours kFarAway{24};  // Held exchanges have deadlines of their own.
  TimePoint expires = session.busy() ? now + kFarAway : session.idle_since + front_.limits().idle;
  expires = std::min({expires, session.look_at, session.head_by()});
  front_.rest(connection, Connection::Phase::kReading, expires);
}

void Http2::expire(Connection& connection) {
  if (connection.session == nullptr) return front_.close(connection);
  Http2Session& session = session_of(connection);
  const TimePoint now = front_.clock().now();
  if (session.head_by() <= now) {
    count(front_.metrics().clients_slow);
    return break_off(connection, NGHTTP2_NO_ERROR);
  }
  if (session.look_at <= now) {
    look_at_late(session, now);
    session.look_at = kEndOfTime;
  }
  if (!session.busy() && session.idle_since + front_.limits().idle <= now) session.say_last();
  pump(connection);
}

void Http2::look_at_late(Http2Session& session, TimePoint now) {
  const Reaping by = reaping_of(now);
  for (ExchangeLink* link = session.sending.after; link != &session.sending;) {
    auto& exchange = static_cast<Http2Exchange&>(*std::exchange(link, link->after));
    if (!is_before(exchange.take_by, by)) continue;
    const std::size_t least = exchange.streaming() ? 1 : Sender::kBytesMin;
    if (exchange.unsent->taken_bytes >= least) {
      exchange.unsent->taken_bytes = 0;
      exchange.take_by = reaping_of(now + front_.limits().write);
      continue;
    }
    count(front_.metrics().clients_slow);
    session.reset(exchange, NGHTTP2_CANCEL);
  }
  session.expire_incoming(now);  // Its refusals have their own time to be taken.
}

// Its exchanges are answered by draining the table. Those that the client has opened meanwhile are
// served, and then it ends by itself (Http2Session::over()).
void Http2::say_goodbye(Connection& connection, bool for_good) {
  if (connection.session == nullptr) return front_.half_close(connection);
  Http2Session& session = session_of(connection);
  const bool idle =
      !session.busy() && session.idle_since + Front::kLastCall <= front_.clock().now();
  session.give_notice();
  if (idle || for_good) session.say_last();
  pump(connection);
}

}  // namespace bide
