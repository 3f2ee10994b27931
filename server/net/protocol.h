// server/net/protocol.h: The language of connections: reads requests, makes exchanges of them, and
// writes their responses. HTTP/1.1 is server/http1/http1.h, HTTP/2 is server/http2/http2.h.
//
// The front (server/net/front.h) owns the sockets and receives their events; the protocol handles
// what clients send. Between calls a connection is at rest, or parked by its exchange.
//
// Thread safety: any number of threads at once, for one connection only its owner.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/parking/look.h"
#include "server/http/message.h"
#include "server/net/connection.h"

namespace bide {

class Protocol {
 public:
  virtual ~Protocol() = default;

  // The caller owns the connection before each of these calls, and not after it.

  // The connection has been given to this protocol, with what has been read of it.
  virtual void begin(Connection& connection, std::string_view bytes) = 0;
  // It was at rest in Phase::kReading, and input has come.
  virtual void read(Connection& connection) = 0;
  // It was parked, and urgent news has come (Connection::rest_parked()).
  virtual void hear(Connection& connection, Connection::News news) = 0;
  // The socket has taken everything.
  virtual void go_on(Connection& connection, TimePoint now) = 0;
  // Called by a pool thread after Front::enqueue().
  virtual void take_turn(Connection& connection) = 0;
  // It was at rest in Phase::kReading, and the time for the rest of its request is over.
  virtual void expire(Connection& connection) = 0;
  // Answers have been queued for exchanges of the connection (Connection::kAnswers).
  virtual void collect(Connection& connection) = 0;
  // The server is shutting down, and the connection was at rest. Ends it if it is idle. One that
  // was in use until a moment ago may go on until a call says `for_good`.
  virtual void say_goodbye(Connection& connection, bool for_good) = 0;
  // The client does not speak TLS, but must. Answers with `status`, then closes.
  virtual void refuse(Connection& connection, int status, std::string_view detail) = 0;

  // Takes the exchange of a parked connection out of the wait queue. The caller has claimed the
  // connection, and keeps it; for a connection that is to be closed.
  virtual void unpark(Connection& connection) = 0;

  // Answers every parked exchange with its current state. Blocks until all are answered, or handed
  // to the executor.
  virtual void drain() = 0;

  // --- For exchanges: keep ownership, unless said otherwise -----------------------------------

  // As JobTable::park(), by the exchange's stage, target and terms. kParked and kGone: the caller
  // does not own it any more.
  [[nodiscard]] virtual Parked park(Exchange& exchange, Look& look) = 0;
  // The caller has claimed the exchange, with an answer or without memory for one (lose), and owns
  // the connection; not after the call.
  virtual void answer(Exchange& exchange, Outcome outcome,
                      const std::shared_ptr<const Snapshot>& snapshot) noexcept = 0;
  virtual void lose(Exchange& exchange) noexcept = 0;
  // Sends bytes of the response. The first text begins with a head (server/http/response_head.h).
  // `message.body` lives in `owner`. `last`: nothing follows.
  virtual void transmit(Exchange& exchange, const Message& message,
                        const std::shared_ptr<const Snapshot>& owner, bool last) = 0;
};

}  // namespace bide
