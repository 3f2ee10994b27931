// server/net/exchange.h: One request and its response, as the resources see them.
//
// Lives on the stack of the thread that owns the connection, no longer than one call of a handler
// or holder. A handler calls exactly one of send(), send_laid_out(), open_stream(), or park() that
// does not say kNotParked.
//
// A response that goes on is opened once, and every later call finds it open: stream() is not null.
// The holder may write() as long as the socket keeps up (not stuck()), and then parks, or ends it.
// One that has more to say than fits into a turn (turn_over()) returns, and is called again when
// others have had theirs.
//
// Thread safety: none; the owner's thread only.
#pragma once

#include <httplib.h>

#include <memory>
#include <string>
#include <string_view>

#include "core/parking/lot.h"
#include "server/http/stream.h"
#include "server/net/access_logger.h"
#include "server/net/connection.h"

namespace bide {

class Front;

class Exchange {
 public:
  Exchange(Front& front, Connection& connection, std::string_view rest)
      : front_(front), connection_(connection), rest_(rest) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // What the response depends on; of a parked request also what it waited for.
  [[nodiscard]] RequestFacts& facts() { return connection_.facts; }
  [[nodiscard]] Waiter::Terms& terms() { return connection_.terms; }
  [[nodiscard]] const std::string& key() const { return connection_.key; }
  // If-Match, until it is judged; null: none, or judged.
  [[nodiscard]] std::unique_ptr<const ValidatorList>& only_if() { return connection_.only_if; }

  // Counts the request for its client.
  void charge();
  // Whose limits the request counts for: its token's subject, or its address.
  [[nodiscard]] std::uint64_t client() const;
  [[nodiscard]] const ClientAddress& client_address() const { return connection_.client_address; }
  // Takes so many of the places that a client may hold at a time, for the parked request or the
  // stream that this becomes, unless it has some already. They are given back with its end. False:
  // there are not so many left.
  [[nodiscard]] bool take_places(std::uint16_t places = 1);

  // The client has left so much unread that it should not be sent a large body now.
  [[nodiscard]] bool unread_full(std::size_t body_bytes);

  void send(const httplib::Response& response, LogPath path);
  // The same where the response's body goes on with `body`, which lives in `owner`, and `tail`.
  void send_around(const httplib::Response& response, const std::shared_ptr<const Snapshot>& owner,
                   std::string_view body, std::string_view tail, LogPath path);
  // A response laid out by the caller: `text` is the head with its empty line, `body` lives in
  // `owner` (both empty for none), and stands for all of its JSON where that has items. `status`
  // and `path` are for metrics and the access log.
  void send_laid_out(int status, std::string_view text,
                     const std::shared_ptr<const Snapshot>& owner, std::string_view body,
                     LogPath path);

  enum class Park : std::uint8_t {
    kParked,     // The exchange is over here; the holder ends it later, on another thread.
    kNotParked,  // Still ours: answer now, by `parked` (kReady, kFull, kDraining) and `look`.
  };
  // Parks the request in the holder's lot. The connection's facts must be complete. Where it is not
  // parked the terms are still there: terms().
  [[nodiscard]] Park park(Holder& holder, std::string_view key, Waiter::Terms terms,
                          Lot::Parked& parked, Lot::Look& look);
  // The same for a stream, under its terms() as they are now.
  [[nodiscard]] Park park_stream(Lot::Parked& parked, Lot::Look& look);

  // Sends the head of a response that goes on, and what it begins with. The holder's go_on() is
  // called as soon as this call of the handler returns.
  void open_stream(Holder& holder, std::string_view key, Waiter::Terms terms,
                   std::unique_ptr<Stream> stream, const httplib::Response& head,
                   std::string_view begin);
  // The head alone, for HEAD: nothing follows.
  void send_stream_head(const httplib::Response& head, LogPath path);
  [[nodiscard]] Stream* stream() const { return connection_.stream.get(); }
  // Where a request for a stream keeps that while it is parked before it is opened.
  [[nodiscard]] std::unique_ptr<OpenedStream>& opening() { return connection_.opening; }
  // `body` lives in `owner`; text, body and tail follow each other on the wire.
  void write(std::string_view text, const std::shared_ptr<const Snapshot>& owner = nullptr,
             std::string_view body = {}, std::string_view tail = {});
  // The socket has not taken all, or is broken: go_on() is called once it has, or never.
  [[nodiscard]] bool stuck() const { return connection_.unsent != nullptr || connection_.broken; }
  // So much has been sent by this exchange that the thread is due to others.
  [[nodiscard]] bool turn_over() const {
    return sent_bytes_ >= kTurnBytes || sent_pieces_ >= kTurnPieces;
  }
  // Says goodbye, behind `text` and the others as in write(), and has the connection closed once
  // the client has it all. What is sent at once costs one system call and wakes the client once.
  void end_stream(Stream::End why, std::string text = {},
                  const std::shared_ptr<const Snapshot>& owner = nullptr,
                  std::string_view body = {}, std::string tail = {});

  // Nothing more may be done with the connection here: it is parked, or its client is gone.
  [[nodiscard]] bool handed_over() const { return handed_over_; }
  // Something of the response may have been sent.
  [[nodiscard]] bool has_begun() const { return sent_pieces_ > 0; }

 private:
  // A turn takes about a millisecond: a piece is a system call, and often a job to render.
  static constexpr std::size_t kTurnBytes = 262'144;
  static constexpr std::size_t kTurnPieces = 64;

  void transmit(std::string_view text, const std::shared_ptr<const Snapshot>& owner,
                std::string_view body, std::string_view tail);
  void note_response(int status, std::size_t bytes, LogPath path);
  [[nodiscard]] Park park_under(std::string_view key, Lot::Parked& parked, Lot::Look& look);
  [[nodiscard]] std::string_view further_fields() const;

  Front& front_;
  Connection& connection_;
  std::string_view rest_;  // What the client has sent behind this request.
  bool handed_over_ = false;
  std::size_t sent_bytes_ = 0;
  std::size_t sent_pieces_ = 0;
};

class Handler {
 public:
  virtual ~Handler() = default;
  // Answers or parks. Any number of threads at once.
  virtual void handle(const httplib::Request& request, Exchange& exchange) = 0;
};

// Who has parked a request, and answers it. Any number of threads at once, but one exchange never
// on two.
class Holder {
 public:
  virtual ~Holder() = default;
  [[nodiscard]] virtual Lot& lot() = 0;
  // For the access log.
  [[nodiscard]] virtual LogPath log_path(std::string_view key) const = 0;
  // For metrics.
  [[nodiscard]] virtual ParkedOn parked_on(std::string_view key) const = 0;
  // Answers a request that was parked, or parks it for another holder, or opens the stream that was
  // asked for; of a stream: writes the next record, parks nothing.
  // `snapshot` as in Waiter::answer().
  virtual void finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                      Exchange& exchange) = 0;
  // Of a stream that is neither stuck nor parked: writes what is news, then parks or ends it.
  virtual void go_on(Exchange& /*exchange*/) {}
  // Takes what the client of a stream that listens has sent.
  virtual void receive(std::string_view /*bytes*/, Exchange& /*exchange*/) {}
};

}  // namespace bide
