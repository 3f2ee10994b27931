// server/http2/http2.h: HTTP/2 on connections (RFC 9113): many exchanges at a time, whose frames
// share one socket. nghttp2 does the framing (server/http2/http2_session.h).
//
//   read -> Http2Session -> serve -> response -+-> frames -> socket
//                                \-> parked    |
//   a notifier -> AnswerQueue -> collect -> finish
//
// Everything that touches a connection is done by its owner, in rounds (pump()): take the answers
// that are queued, let streams go on whose bytes were taken, write all frames that there are. A
// round ends when the socket is full or nothing is left. So the answers to many exchanges leave in
// as few system calls as fit, and a thread that answers never waits for another.
//
// A client that does not read is not read from either: while the socket is full, its frames stay
// where they are.
//
// Thread safety: as Protocol.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/http2/http2_session.h"
#include "server/net/dispatcher.h"
#include "server/net/front.h"
#include "server/net/parker.h"
#include "server/net/protocol.h"

namespace bide {

class Http2 final : public Protocol, private Http2Session::Handler {
 public:
  // All must outlive this.
  Http2(Front& front, Parker& parker, const Dispatcher& dispatcher)
      : front_(front), parker_(parker), dispatcher_(dispatcher) {}

  void begin(Connection& connection, std::string_view bytes) override;
  void read(Connection& connection) override;
  void collect(Connection& connection) override { pump(connection); }
  void go_on(Connection& connection, TimePoint now) override;
  void take_turn(Connection& connection) override;
  void expire(Connection& connection) override;
  void say_goodbye(Connection& connection, bool for_good) override;
  // Only exchanges are parked here, and only HTTP/1.1 is spoken by mistake.
  void hear(Connection& connection, Connection::News news) override;
  void unpark(Connection& /*connection*/) override {}
  void refuse(Connection& connection, int status, std::string_view detail) override;
  void drain() override { parker_.drain(); }

  [[nodiscard]] Parked park(Exchange& exchange, Look& look) override;
  void answer(Exchange& exchange, Outcome outcome,
              const std::shared_ptr<const Snapshot>& snapshot) noexcept override;
  void lose(Exchange& exchange) noexcept override;
  void transmit(Exchange& exchange, const Message& message,
                const std::shared_ptr<const Snapshot>& owner, bool last) override;

 private:
  [[nodiscard]] static Http2Session& session_of(const Connection& connection) {
    return static_cast<Http2Session&>(*connection.session);
  }
  [[nodiscard]] static Http2Session& session_of(const Exchange& exchange) {
    return session_of(exchange.connection());
  }

  // --- Http2Session::Handler; keep ownership
  void serve(Http2Exchange& exchange, const http::Request& request,
             const std::optional<std::string>& host) override;
  void reject(Http2Exchange& exchange, const Refusal& refusal, std::string_view method) override;
  void end(Http2Exchange& exchange) noexcept override;

  // The caller owns the connection before the call, and not after it.

  void take(Connection& connection, std::string_view bytes);
  // Rounds, until the socket is full or nothing is left; then the connection comes to rest.
  void pump(Connection& connection);
  void rest(Connection& connection);
  // Tells the client why, as far as the socket takes it, and closes.
  void break_off(Connection& connection, std::uint32_t error);

  // Keep ownership.

  void open(Connection& connection);
  // False: nothing was sent.
  bool flush(Connection& connection);
  // Answers exchanges that came back, up to a number. False: there was none.
  bool answer_queued(Http2Session& session);
  // Streams whose bytes were taken go on. False: there was none.
  bool go_on_drained(Http2Session& session);
  void finish(Http2Exchange& exchange);
  void go_on_streaming(Http2Exchange& exchange);
  // What clients have left unread counts for them; those over their limit lose the exchange.
  void count_unsent(Http2Session& session);
  void look_at_late(Http2Session& session, TimePoint now);
  // Calls a resource. Without memory for the response the exchange is reset.
  template <typename Call>
  void ask_resource(Http2Exchange& exchange, Exchange::Turn& turn, Call&& call);
  void reset_without_memory(Http2Exchange& exchange);

  Front& front_;
  Parker& parker_;
  const Dispatcher& dispatcher_;
};

}  // namespace bide
