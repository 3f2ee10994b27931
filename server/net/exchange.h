// server/net/exchange.h: One request and its response, as resources see them. While the request is
// parked, the exchange is its waiter in the job table.
//
// HTTP/1.1 has one exchange at a time on a connection, and parks the two together. HTTP/2 has many
// (server/http2/http2_exchange.h), each with a claim of its own. Otherwise an exchange belongs to
// the owner of its connection (server/net/connection.h). A resource calls
// exactly one of send(), send_around(), send_laid_out(), open_stream(), or a park() whose result
// was_handed_over(). After that it must not touch the exchange.
//
// A stream is opened once; in every later call stream() is not null. The resource may write() while
// the socket keeps up (not stuck()), and then parks or ends the stream. If it has more to send than
// fits into a turn (turn_over()), it returns, and is called again when other connections had their
// turn.
//
// Thread safety: none; the owner's thread only, except present() and try_claim(), see Waiter.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/client_address.h"
#include "core/parking/look.h"
#include "core/parking/waiter.h"
#include "core/table/target.h"
#include "server/http/message.h"
#include "server/http/response_head.h"
#include "server/http/stream.h"
#include "server/metrics/http_metrics.h"
#include "server/net/access_logger.h"
#include "server/net/request_facts.h"
#include "server/net/unsent.h"

namespace bide {

class Connection;
class Exchange;
class Protocol;

// Why a request is parked (server/api/table_resource.h).
enum class Stage : std::uint8_t {
  kFresh,      // Until the table shows all that the client may have seen elsewhere.
  kExists,     // Until it is certain that the target does not exist.
  kCondition,  // Until its own condition holds for its target.
};

// The handler of a path. Any number of threads may call it at once, but not two for one exchange.
class Resource {
 public:
  virtual ~Resource() = default;
  // Answers or parks a GET or HEAD for the exchange's target.
  virtual void handle(const http::Request& request, Exchange& exchange) = 0;
  // For the access log.
  [[nodiscard]] virtual LogPath log_path(const Target& target) const = 0;
  // For metrics.
  [[nodiscard]] virtual ParkedOn parked_on(const Target& target) const = 0;
  // The request was parked. Answers it, parks it in another stage, or opens the stream that it
  // asked for. If the stream is open: writes the next record and does not park. `snapshot` as in
  // Waiter::answer().
  virtual void finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                      Exchange& exchange) = 0;
  // For an open stream that is neither stuck nor parked: writes the news, then parks or ends it.
  virtual void go_on(Exchange& /*exchange*/) {}
  // Takes input from the client of a stream that listens().
  virtual void receive(std::string_view /*bytes*/, Exchange& /*exchange*/) {}
};

class Exchange : public Waiter {
 public:
  // One thread's work on the exchange; it lives on that thread's stack.
  struct Turn {
    std::string_view rest{};   // Input that came behind this request.
    bool handed_over = false;  // This thread must not touch the connection any more.
    std::size_t sent_bytes = 0;
    std::size_t sent_pieces = 0;
  };

  explicit Exchange(Connection& connection) : connection_(connection) {}

  // --- The request ----------------------------------------------------------------------------

  // What the response depends on.
  [[nodiscard]] RequestFacts& facts() { return facts_; }
  [[nodiscard]] const RequestFacts& facts() const { return facts_; }
  // Sets the resource that serves the request.
  void serve_by(Resource& resource) { resource_ = &resource; }
  // What the request asks that resource for.
  [[nodiscard]] Target& target() { return target_; }
  // The tags of If-Match. Null: there are none, or they have been judged.
  [[nodiscard]] std::unique_ptr<const ValidatorList>& only_if() { return only_if_; }
  // The stage in which it is parked, or was parked last.
  [[nodiscard]] Stage stage() const { return stage_; }

  // --- Its client -----------------------------------------------------------------------------

  // Counts the request against its client's rate, and sets facts().over_rate.
  void charge();
  // The client whose limits the request counts for: by its token's subject, else by its address.
  [[nodiscard]] std::uint64_t client() const noexcept override;
  [[nodiscard]] const Selection* selection() const noexcept override {
    const auto* const feed = std::get_if<Feed>(&target_);
    return feed == nullptr ? nullptr : feed->selection.get();
  }
  [[nodiscard]] bool has_seen_later_than(Epoch epoch, Revision revision) const noexcept override {
    return terms.seen.later_than(epoch, revision) ||
           (only_if_ != nullptr && only_if_->later_than(epoch, revision));
  }
  [[nodiscard]] const ClientAddress& client_address() const { return address; }
  // Takes places of those that its client may hold at a time, unless the request has some already.
  // They are given back when the request or its stream ends. False: the client has too few left.
  [[nodiscard]] bool take_places(std::uint16_t places = 1);
  void give_back_places();
  // Whether the client has left so much unread that a body of this size should not be sent now.
  [[nodiscard]] bool unread_full(std::size_t body_bytes);

  // --- One response ---------------------------------------------------------------------------

  void send(const http::Response& response) { send(response, log_path()); }
  // For a request that no resource serves.
  void send(const http::Response& response, LogPath path);
  // Sends the response's own body, then `body`, which lives in `owner`, then `tail`.
  void send_around(const http::Response& response, const std::shared_ptr<const Snapshot>& owner,
                   std::string_view body, std::string_view tail);
  // Sends a response that the caller has laid out. `text`: HTTP/1.1's head with its empty line,
  // from which HTTP/2 takes status and fields. `body`: lives in `owner`, and stands for its whole
  // JSON if it has items; both are empty for no body. `status`: for metrics and the access log.
  void send_laid_out(int status, std::string_view text,
                     const std::shared_ptr<const Snapshot>& owner, std::string_view body);

  // Parks the request, or the stream, under `terms`. If it is not parked, `terms` are unchanged,
  // and the caller answers according to the result and `look`.
  [[nodiscard]] Parked park(Stage stage, Look& look);

  // --- A response that goes on ----------------------------------------------------------------

  // Keeps the stream that the response will be; open_stream() sends its head.
  void prepare_stream(std::unique_ptr<Stream> stream) { stream_ = std::move(stream); }
  // Sends the head and the first bytes of the stream, `first(stream)`. Resource::go_on() is called
  // as soon as the resource returns.
  template <typename First>
  void open_stream(First&& first) {
    const http::Response head = stream_->take_head();
    open_stream(head, first(static_cast<const Stream&>(*stream_)));
  }
  // For HEAD: sends the head alone.
  void send_stream_head();
  // Null: the response is one message, or the stream is not open yet.
  [[nodiscard]] Stream* stream() const { return streaming_ ? stream_.get() : nullptr; }
  [[nodiscard]] bool streaming() const { return streaming_; }
  // Sends text, body and tail. `body` lives in `owner`.
  void write(std::string_view text, const std::shared_ptr<const Snapshot>& owner = nullptr,
             std::string_view body = {}, std::string_view tail = {});
  // The socket has not taken everything yet, and go_on() is called once it has; or it is broken,
  // and go_on() is not called.
  [[nodiscard]] bool stuck() const;
  // So much was sent in this turn that the thread should serve others now.
  [[nodiscard]] bool turn_over() const {
    return turn_->sent_bytes >= kTurnBytes || turn_->sent_pieces >= kTurnPieces;
  }
  // Sends `text`, `body` and `tail` as write() does, then the end of the stream. The connection is
  // closed once the client has it all. One call is one system call, and wakes the client once.
  void end_stream(Stream::End why, std::string text = {},
                  const std::shared_ptr<const Snapshot>& owner = nullptr,
                  std::string_view body = {}, std::string tail = {});

  // --- For the protocol -----------------------------------------------------------------------

  // Of the peer; behind a trusted proxy, that of the request's client.
  ClientAddress address;
  // What the client has not taken of the response. Null: nothing.
  std::unique_ptr<Unsent> unsent;

  // Before each call of a resource. `turn` must outlive that call.
  void begin_turn(Turn& turn) { turn_ = &turn; }
  [[nodiscard]] const Turn& turn() const { return *turn_; }
  [[nodiscard]] Connection& connection() const { return connection_; }
  [[nodiscard]] Resource& resource() const { return *resource_; }
  // `-` if no resource serves it.
  [[nodiscard]] LogPath log_path() const {
    return resource_ == nullptr ? LogPath("-") : resource_->log_path(target_);
  }
  [[nodiscard]] ParkedOn parked_on() const { return parked_on_; }
  void drop_stream();
  // Frees what only the finished request needed.
  void forget_request();
  [[nodiscard]] Protocol& protocol() const;
  // The ticket that the job table gets, for try_claim().
  void set_ticket(std::uint64_t ticket) { ticket_ = ticket; }

  // Waiter: the job table's side of the claim.
  [[nodiscard]] bool present(std::uint64_t ticket) const noexcept override;
  [[nodiscard]] bool try_claim() noexcept override;
  void answer(Outcome outcome, std::shared_ptr<const Snapshot> snapshot) noexcept override;
  void lose() noexcept override;

 private:
  // A turn takes about a millisecond: a piece is a system call, and often a job to render.
  static constexpr std::size_t kTurnBytes = 262'144;
  static constexpr std::size_t kTurnPieces = 64;

  void open_stream(const http::Response& head, std::string_view first);
  void send_whole(const http::Response& response, const std::shared_ptr<const Snapshot>& owner,
                  std::string_view body, std::string_view tail, LogPath path);
  void transmit(const Message& message, const std::shared_ptr<const Snapshot>& owner, bool last);
  [[nodiscard]] Delivery delivery() const;
  void note_response(int status, std::size_t bytes, LogPath path);

  // Small members first, in Waiter's padding: there is one of these for each of thousands of
  // clients.
  Stage stage_ = Stage::kCondition;
  ParkedOn parked_on_{};
  bool streaming_ = false;  // The stream's head has been sent.
  Connection& connection_;
  Turn* turn_ = nullptr;
  std::uint64_t ticket_ = 0;  // Of the latest park().
  RequestFacts facts_;
  Resource* resource_ = nullptr;
  Target target_;
  std::unique_ptr<const ValidatorList> only_if_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace bide
