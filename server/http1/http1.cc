// The half of server/http1/http1.h that reads requests and has them answered.
#include "server/http1/http1.h"

#include <array>
#include <cerrno>

#include "server/http/cross_origin.h"
#include "server/http/problem.h"
#include "server/http1/response_writer.h"
#include "server/log/log.h"

namespace bide {
namespace {

// The size of one read: a head has at most 24 KiB, a pipelined burst may be larger.
constexpr std::size_t kReadBytes = 32'768;

// This many pipelined requests are served in a row; then others have their turn.
constexpr int kRequestsPerTurn = 16;

// Whether what was sent so far is a HEAD request, whose answer has no content in any case.
bool is_head(std::string_view bytes) {
  if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  return bytes.starts_with("HEAD ");
}

RequestFacts::Method method_of(std::string_view word) {
  using Method = RequestFacts::Method;
  if (word == "GET") return Method::kGet;
  if (word == "HEAD") return Method::kHead;
  if (word == "POST") return Method::kPost;
  if (word == "PUT") return Method::kPut;
  return word == "DELETE" ? Method::kDelete : Method::kOther;
}

std::string_view further_fields(const RequestFacts& facts) {
  return facts.cross_origin == nullptr ? kSameOriginOnly : *facts.cross_origin;
}

Delivery delivery_of(const Exchange& exchange) {
  const RequestFacts& asked = exchange.facts();
  return {.head_only = asked.head,
          .http_1_0 = asked.http10,
          .close = asked.close,
          .further_fields = further_fields(asked)};
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

void Http1::serve(Connection& connection, std::string_view bytes) {
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
    ask_resource(exchange, turn, [&] {
      if (hosts_ == nullptr || hosts_->serves(step.host)) {
        dispatch_(request, exchange);
      } else {
        refuse_host(*step.host, exchange);
      }
    });
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
  if (connection.proxied) {
    connection.client_address =
        front_.proxies().client_of(ClientAddress::of_peer(connection.fd), request.headers);
  }
  RequestFacts& facts = exchange.facts();
  facts = {};
  facts.received = front_.clock().now();
  const RequestFacts::Method method = method_of(request.method);
  facts.method_number = static_cast<std::uint8_t>(method) & 7U;
  facts.head = method == RequestFacts::Method::kHead;
  facts.http10 = request.version == "HTTP/1.0";
  facts.close = !keep_alive(request) || front_.leaving() ||
                (connection.tls != nullptr && connection.tls->is_worn());
}

void Http1::refuse_host(std::string_view host, Exchange& exchange) {
  static LogLimit limit;
  constexpr std::size_t kLoggedBytes = 64;
  count(front_.metrics().rejected(421));
  log_warn_limited(limit, "refused a request for a Host that is not served; see --allowed-host",
                   {{"host", host.substr(0, kLoggedBytes)}});
  exchange.send(problem(421,
                        "without --auth this Host is not served: ask for localhost or the host of "
                        "--listen, or start bide with --allowed-host and this name"));
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
  const std::unique_ptr<Reading> reading = take_reading(connection);
  if (reading == nullptr) return front_.close(connection);
  reject(connection, reading->input, 408,
         reading->in_body() ? "the body did not arrive in time"
                            : "the request's head did not arrive in time");
}

void Http1::refuse(Connection& connection, int status, std::string_view detail) {
  reject(connection, {}, status, detail);
}

void Http1::reject(Connection& connection, std::string_view bytes, int status,
                   std::string_view detail) {
  count(front_.metrics().rejected(status));
  connection.deadline = kEndOfTime;
  if (connection.proxied) connection.client_address = ClientAddress::of_peer(connection.fd);
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

bool Http1::append_head(std::string& out, const http::Response& response, std::size_t body_bytes,
                        const Exchange& exchange) {
  const Delivery delivery = delivery_of(exchange);
  bide::append_head(out, response, body_bytes, delivery);
  return has_body(response.status, delivery);
}

void Http1::append_stream_head(std::string& out, const http::Response& response,
                               const Exchange& exchange) {
  bide::append_stream_head(out, response, further_fields(exchange.facts()));
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
