// server/http1/http1.h: HTTP/1.1 on connections: requests are read one after the other, and each is
// answered before the next is looked at (RFC 9112 section 9.3.2).
//
//   read -> request_parser -> dispatch -> response -> read
//                                    \-> parked -> finish -> response -> read
//
// A stream goes round: record -> parked -> finish -> record. While its socket is full it is not
// parked, and nothing is queued: the next record has the newest state.
//
// Thread safety: as Protocol.
#pragma once

#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "server/http/message.h"
#include "server/http1/request_parser.h"
#include "server/net/dispatcher.h"
#include "server/net/front.h"
#include "server/net/parker.h"
#include "server/net/protocol.h"

namespace bide {

class Http1 final : public Protocol {
 public:
  // All must outlive this.
  Http1(Front& front, Parker& parker, const Dispatcher& dispatcher)
      : front_(front), parker_(parker), dispatcher_(dispatcher) {}

  void begin(Connection& connection, std::string_view bytes) override;
  void read(Connection& connection) override;
  void hear(Connection& connection, Connection::News news) override;
  void go_on(Connection& connection, TimePoint now) override;
  void take_turn(Connection& connection) override;
  void expire(Connection& connection) override;
  void collect(Connection& connection) override { read(connection); }  // There are none.
  void say_goodbye(Connection& connection, bool for_good) override;
  void refuse(Connection& connection, int status, std::string_view detail) override;
  void unpark(Connection& connection) override { parker_.unpark(connection.exchange); }
  void drain() override { parker_.drain(); }

  [[nodiscard]] Parked park(Exchange& exchange, Look& look) override;
  void answer(Exchange& exchange, Outcome outcome,
              const std::shared_ptr<const Snapshot>& snapshot) noexcept override;
  void lose(Exchange& exchange) noexcept override;
  void transmit(Exchange& exchange, const Message& message,
                const std::shared_ptr<const Snapshot>& owner, bool last) override;

 private:
  // Input of an incomplete request, of one that waits for its turn, or behind one that is being
  // answered.
  struct Reading final : Session {
    std::string input;
    Progress progress;  // In `input`.

    [[nodiscard]] bool in_body() const { return progress.head_bytes != 0; }
    [[nodiscard]] std::size_t kept_bytes() const noexcept override {
      return input.capacity() + progress.content.capacity();
    }
  };
  [[nodiscard]] static Reading* reading_of(const Connection& connection) {
    return static_cast<Reading*>(connection.session.get());
  }
  // Keep ownership. Keeps `bytes`, which may be a part of `reading`, whose memory is used again. If
  // they are empty, nothing is kept.
  static void keep(Connection& connection, std::string_view bytes,
                   std::unique_ptr<Reading> reading = nullptr, Progress progress = {});
  // Takes what is kept from the connection. Null: nothing is kept.
  [[nodiscard]] static std::unique_ptr<Reading> take_reading(Connection& connection);

  // Calls a resource. If there is no memory for the answer, sends a 503; throws if a part of the
  // answer has been sent.
  template <typename Call>
  void ask_resource(Exchange& exchange, Exchange::Turn& turn, Call&& call) {
    exchange.begin_turn(turn);
    try {
      call();
    } catch (const std::bad_alloc&) {
      if (turn.handed_over) return;
      if (turn.sent_pieces > 0 || exchange.streaming()) throw;
      send_out_of_memory(exchange);
    }
  }

  // All below: the caller owns the connection before the call, and not after it, unless said
  // otherwise.

  // --- Requests (http1.cc)
  void serve(Connection& connection, std::string_view bytes);
  void wait_for_request(Connection& connection, TimePoint since);
  // `partial`: the bytes to keep, which may be a part of `reading`. `was_in_body`: it waited for
  // the body already.
  void wait_for_rest_of(Connection& connection, std::string_view partial,
                        std::unique_ptr<Reading> reading, Progress progress, bool was_in_body);
  // `bytes`: what has arrived of the request.
  void reject(Connection& connection, std::string_view bytes, int status, std::string_view detail);
  // Keep ownership.
  void begin(Exchange& exchange, const http::Request& request);
  void send_out_of_memory(Exchange& exchange);  // Needs no memory.

  // --- Parked requests and streams (http1_parking.cc)
  void finish(Exchange& exchange, Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot);
  void hear_stream(Connection& connection, Connection::News news);
  void look_at_records(Connection& connection);
  void park_again(Connection& connection);
  void left(Connection& connection, Connection::News news);  // Unparked; perhaps only half-closed.
  void leave(Connection& connection);                        // The client has left.
  void go_on_streaming(Connection& connection);
  // Keep ownership.

  // If the client's FIN came right behind the request, it has only half-closed: notes that.
  static void look_for_fin(Connection& connection);
  // Passes input from a stream's client to the resource. Ends the stream if too much is kept of it.
  void take_said(std::string_view bytes, Exchange& exchange, Exchange::Turn& turn);

  Front& front_;
  Parker& parker_;
  const Dispatcher& dispatcher_;
};

}  // namespace bide
