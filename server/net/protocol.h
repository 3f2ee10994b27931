// server/net/protocol.h: What is spoken on connections: reads requests, makes exchanges of them,
// and writes down their responses. HTTP/1.1 is server/http1/http1.h.
//
// The front (server/net/front.h) owns sockets and knows when something happens to them; a protocol
// knows what that means. Between calls a connection is at rest, or parked by its exchange.
//
// Thread safety: any number of threads at once, but of one connection only its owner.
#pragma once

#include <httplib.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/parking/look.h"
#include "server/net/connection.h"

namespace bide {

class Protocol {
 public:
  virtual ~Protocol() = default;

  // For each of these the caller owns the connection, and after the call no more.

  // It was at rest to be read from (Phase::kReading), and something has come.
  virtual void read(Connection& connection) = 0;
  // It was parked, and something has come that may not wait.
  virtual void hear(Connection& connection, Connection::News news) = 0;
  // The socket has taken all that was to be sent.
  virtual void go_on(Connection& connection, TimePoint now) = 0;
  // A pool thread has time for what Front::enqueue() put off.
  virtual void take_turn(Connection& connection) = 0;
  // It was at rest to be read from for as long as it may, in the middle of a request.
  virtual void expire(Connection& connection) = 0;
  // What the client sends is not this protocol, nor TLS.
  virtual void refuse(Connection& connection, int status, std::string_view detail) = 0;

  // Keeps ownership, which was the queue's. For a connection that is to be closed.
  virtual void unpark(Connection& connection) = 0;

  // Answers every exchange that is parked with its present state. Returns once that is done, or
  // handed to the executor.
  virtual void drain() = 0;

  // --- For exchanges: keep ownership, unless said otherwise -----------------------------------

  // As JobTable::park(), by the exchange's stage, resource and terms. kParked and kGone: somebody
  // else owns it.
  [[nodiscard]] virtual Parked park(Exchange& exchange, Look& look) = 0;
  // The caller has taken it from its queue, with or without an answer, and owns its connection.
  virtual void answer(Exchange& exchange, Outcome outcome,
                      const std::shared_ptr<const Snapshot>& snapshot) noexcept = 0;
  virtual void lose(Exchange& exchange) noexcept = 0;
  // Appends the head of a response whose body has so many bytes. False: no body may follow it.
  [[nodiscard]] virtual bool append_head(std::string& out, const httplib::Response& response,
                                         std::size_t body_bytes, const Exchange& exchange) = 0;
  // The same for a response that goes on.
  virtual void append_stream_head(std::string& out, const httplib::Response& response,
                                  const Exchange& exchange) = 0;
};

}  // namespace bide
