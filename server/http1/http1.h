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

#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "core/table/job_table.h"
#include "server/http/message.h"
#include "server/http/served_hosts.h"
#include "server/http1/request_parser.h"
#include "server/net/front.h"
#include "server/net/protocol.h"

namespace bide {

class Http1 final : public Protocol {
 public:
  // Answers or parks. Any number of threads at once.
  using Dispatch = std::function<void(const http::Request& request, Exchange& exchange)>;

  // `front` and `table` must outlive this.
  Http1(Front& front, JobTable& table, Dispatch dispatch)
      : front_(front), table_(table), dispatch_(std::move(dispatch)) {}

  // Before Front::start(): requests for other hosts are answered with 421. Null: all hosts are
  // served.
  void use_hosts(const ServedHosts* hosts) { hosts_ = hosts; }

  void read(Connection& connection) override;
  void hear(Connection& connection, Connection::News news) override;
  void go_on(Connection& connection, TimePoint now) override;
  void take_turn(Connection& connection) override;
  void expire(Connection& connection) override;
  void refuse(Connection& connection, int status, std::string_view detail) override;
  void unpark(Connection& connection) override;
  void drain() override { table_.drain(); }

  [[nodiscard]] Parked park(Exchange& exchange, Look& look) override;
  void answer(Exchange& exchange, Outcome outcome,
              const std::shared_ptr<const Snapshot>& snapshot) noexcept override;
  void lose(Exchange& exchange) noexcept override;
  [[nodiscard]] bool append_head(std::string& out, const http::Response& response,
                                 std::size_t body_bytes, const Exchange& exchange) override;
  void append_stream_head(std::string& out, const http::Response& response,
                          const Exchange& exchange) override;

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
  void refuse_host(std::string_view host, Exchange& exchange);
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
  [[nodiscard]] Tally& parked_tally(const Exchange& exchange);
  void note_answer(const Exchange& exchange, bool was_stream, TimePoint now);

  Front& front_;
  JobTable& table_;
  const Dispatch dispatch_;
  const ServedHosts* hosts_ = nullptr;
};

}  // namespace bide
