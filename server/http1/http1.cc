// The half of server/http1/http1.h that reads requests and has them answered.
#include "server/http1/http1.h"

#include <array>
#include <cerrno>

#include "server/http/problem.h"
#include "server/http/response_head.h"
#include "server/log/log.h"

namespace bide {
namespace {

// The size of one read: a head has at most 24 KiB, a pipelined burst may be larger.
constexpr std::size_t kReadBytes = 32'768;

// What a client sends first if it knows that the server speaks HTTP/2 (RFC 9113 section 3.4). With
// TLS the handshake says so.
constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// This many pipelined requests are served in a row; then others have their turn.
constexpr int kRequestsPerTurn = 16;

// Whether what was sent so far is a HEAD request, whose answer has no content in any case.
bool is_head(std::string_view bytes) {
  if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  return bytes.starts_with("HEAD ");
}

}  // namespace

// --- What is kept -----------------------------------------------------------------------------

void Http1::keep(Connection& connection, std::string_view bytes, std::unique_ptr<Reading> reading,
                 Progress progress) {
  if (bytes.empty()) return connection.session.reset();
  if (reading == nullptr) reading = std::make_unique<Reading>();
  reading->input = bytes;
  reading->progress = std::move(progress);
  connection.session = std::move(reading);
}

std::unique_ptr<Http1::Reading> Http1::take_reading(Connection& connection) {
  return std::unique_ptr<Reading>(static_cast<Reading*>(connection.session.release()));
}

// --- Reading ----------------------------------------------------------------------------------

void Http1::read(Connection& connection) {
  thread_local std::array<char, kReadBytes> buffer;
  const ssize_t got = connection.receive(buffer);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    // Part of a TLS record is part of a request, too.
    if (connection.kept_bytes() != 0) {
      std::unique_ptr<Reading> reading = take_reading(connection);
      const std::string_view partial = reading != nullptr ? std::string_view(reading->input) : "";
      Progress progress = reading != nullptr ? std::move(reading->progress) : Progress();
      const bool in_body = progress.head_bytes != 0;
      return wait_for_rest_of(connection, partial, std::move(reading), std::move(progress),
                              in_body);
    }
    // Nothing has come but, perhaps, TLS records without data. They give the client no more time.
    connection.deadline = kEndOfTime;
    return front_.rest(connection, connection.phase,
                       connection.expires.load(std::memory_order_relaxed));
  }
  if (got <= 0) return front_.close(connection);
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
  Reading* const reading = reading_of(connection);
  if (reading == nullptr) return serve(connection, bytes);
  reading->input += bytes;
  serve(connection, reading->input);
}

void Http1::begin(Connection& connection, std::string_view bytes) { serve(connection, bytes); }

void Http1::serve(Connection& connection, std::string_view bytes) {
  if (connection.silent && front_.offers_http2()) {
    if (bytes.starts_with(kHttp2Preface)) return front_.become_http2(connection, bytes);
    if (kHttp2Preface.starts_with(bytes)) {
      return wait_for_rest_of(connection, bytes, take_reading(connection), {}, false);
    }
  }
  connection.silent = false;
  thread_local http::Request request;
  Exchange& exchange = connection.exchange;
  // `bytes` may point into it, so it lives until this returns.
  std::unique_ptr<Reading> reading = take_reading(connection);
  bool was_in_body = reading != nullptr && reading->in_body();
  Progress progress = reading != nullptr ? std::move(reading->progress) : Progress();
  for (int requests = 0; !bytes.empty(); ++requests) {
    if (requests == kRequestsPerTurn) {
      keep(connection, bytes, std::move(reading));
      return front_.enqueue(connection, Front::Place::kTurn);
    }
    const Step step = advance(bytes, progress, request);
    if (step.need == Step::Need::kReject) {
      return reject(connection, bytes, step.status, step.detail);
    }
    if (step.need == Step::Need::kMore) {
      if (step.wants_continue) front_.sender().send(connection, kContinue, nullptr, {}, {});
      return wait_for_rest_of(connection, bytes.substr(0, step.keep_bytes), std::move(reading),
                              std::move(progress), was_in_body);
    }
    if (step.need == Step::Need::kBulk) {
      // Its content stays counted for its client until it has been served. That limits how much of
      // one client's bulk others wait for.
      std::string left(bytes.substr(0, step.keep_bytes));
      left += bytes.substr(step.consumed_bytes);
      keep(connection, left, std::move(reading), std::move(progress));
      return front_.enqueue(connection, Front::Place::kBulk);
    }
    if (!front_.accepts_client(connection)) return front_.half_close(connection);
    bytes.remove_prefix(step.consumed_bytes);
    was_in_body = false;
    begin(exchange, request);
    Exchange::Turn turn{.rest = bytes};
    ask_resource(exchange, turn, [&] { dispatcher_.dispatch(request, step.host, exchange); });
    if (turn.handed_over) return;
    const TimePoint now = front_.clock().now();
    if (exchange.streaming()) {
      look_for_fin(connection);
    } else {
      front_.metrics().mine().service.observe(now - exchange.facts().received);
      exchange.forget_request();
    }
    if (exchange.stuck() || exchange.facts().close || exchange.streaming()) {
      keep(connection, bytes, std::move(reading));
      return front_.finish_sending(connection, now);
    }
  }
  wait_for_request(connection, exchange.facts().received);
}

void Http1::begin(Exchange& exchange, const http::Request& request) {
  Connection& connection = exchange.connection();
  connection.deadline = kEndOfTime;
  const ClientAddress peer =
      connection.proxied ? ClientAddress::of_peer(connection.fd) : exchange.address;
  dispatcher_.begin(request, peer, exchange);
  RequestFacts& facts = exchange.facts();
  facts.http10 = request.version == "HTTP/1.0";
  facts.close = !keep_alive(request) || front_.leaving() ||
                (connection.tls != nullptr && connection.tls->is_worn());
}

void Http1::wait_for_request(Connection& connection, TimePoint since) {
  connection.deadline = kEndOfTime;
  front_.rest(connection, Connection::Phase::kReading, since + front_.limits().idle);
}

// The time for a request runs from its first byte, not from its latest: a client that sends a byte
// now and then gains nothing.
void Http1::wait_for_rest_of(Connection& connection, std::string_view partial,
                             std::unique_ptr<Reading> reading, Progress progress,
                             bool was_in_body) {
  const TimePoint now = front_.clock().now();
  const bool in_body = progress.head_bytes != 0;
  keep(connection, partial, std::move(reading), std::move(progress));
  if (connection.deadline == kEndOfTime) connection.deadline = now + front_.limits().head;
  if (in_body && !was_in_body) connection.deadline = now + front_.limits().body;
  if (!front_.count_kept(connection)) {
    const std::unique_ptr<Reading> kept = take_reading(connection);
    const std::string_view begun = kept != nullptr ? std::string_view(kept->input) : "";
    return reject(connection, begun, 429, "this client has too many requests half sent");
  }
  front_.rest(connection, Connection::Phase::kReading, connection.deadline);
}

void Http1::expire(Connection& connection) {
  count(front_.metrics().clients_slow);
  const std::unique_ptr<Reading> reading = take_reading(connection);
  if (reading == nullptr) return front_.close(connection);
  reject(connection, reading->input, 408,
         reading->in_body() ? "the body did not arrive in time"
                            : "the request's head did not arrive in time");
}

// An idle connection is ended. One in the middle of a request gets its response first. One that has
// not been idle for kLastCall may go on, unless `for_good`: the response to a request that comes
// meanwhile says that it is the last one, and a FIN could cross the request.
void Http1::say_goodbye(Connection& connection, bool for_good) {
  if (connection.session == nullptr) {
    const bool has_input = connection.look_ahead() == Connection::Ahead::kInput;
    const Reaping idle_since_last_call =
        reaping_of(front_.clock().now() - Front::kLastCall + front_.limits().idle);
    const bool is_idle =
        is_before(connection.expires.load(std::memory_order_relaxed), idle_since_last_call);
    if (!has_input && (is_idle || for_good)) return front_.half_close(connection);
    if (has_input) connection.note(Connection::kInput);  // Sent before we said goodbye.
  }
  front_.rest(connection, connection.phase, connection.expires.load(std::memory_order_relaxed));
}

void Http1::refuse(Connection& connection, int status, std::string_view detail) {
  reject(connection, {}, status, detail);
}

void Http1::reject(Connection& connection, std::string_view bytes, int status,
                   std::string_view detail) {
  count(front_.metrics().rejected(status));
  connection.deadline = kEndOfTime;
  if (connection.proxied) connection.exchange.address = ClientAddress::of_peer(connection.fd);
  Exchange& exchange = connection.exchange;
  RequestFacts& facts = exchange.facts();
  facts = {};
  facts.head = is_head(bytes);
  facts.received = front_.clock().now();
  facts.close = true;
  Exchange::Turn turn;
  exchange.begin_turn(turn);
  exchange.send(problem(status, detail));
  front_.finish_sending(connection, facts.received);
}

// --- Writing ----------------------------------------------------------------------------------

void Http1::transmit(Exchange& exchange, const Message& message,
                     const std::shared_ptr<const Snapshot>& owner, bool /*last*/) {
  front_.sender().send(exchange.connection(), message.text, owner, message.body, message.tail);
}

void Http1::go_on(Connection& connection, TimePoint now) {
  const Exchange& exchange = connection.exchange;
  if (exchange.streaming()) return go_on_streaming(connection);
  if (exchange.facts().close) return front_.half_close(connection);
  if (connection.session == nullptr) return wait_for_request(connection, now);
  // The client has pipelined. Its next request is served by a pool thread, because a notifier has
  // no time for it.
  front_.enqueue(connection, Front::Place::kNext);
}

void Http1::take_turn(Connection& connection) {
  if (connection.exchange.streaming()) return go_on_streaming(connection);
  serve(connection, reading_of(connection)->input);
}

void Http1::send_out_of_memory(Exchange& exchange) {
  // In one piece: to join two, transmit() needs memory.
  constexpr std::string_view kResponse =
      "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
      "Content-Type: application/problem+json\r\nContent-Length: 144\r\n\r\n"
      R"({"type":"urn:bide:problem:out-of-memory","title":"Service Unavailable","status":503,)"
      R"("detail":"out of memory","error":"out of memory","code":503})";
  constexpr std::size_t kBodyBytes = 144;
  static_assert(kResponse[kResponse.size() - kBodyBytes] == '{' && kResponse.ends_with('}'));
  count(front_.metrics().out_of_memory);
  count(front_.metrics().mine().responses[5]);
  exchange.facts().close = true;
  const std::size_t left_out = exchange.facts().head ? kBodyBytes : 0;
  front_.sender().send(exchange.connection(), kResponse.substr(0, kResponse.size() - left_out),
                       nullptr, {}, {});
}

}  // namespace bide
