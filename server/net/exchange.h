// server/net/exchange.h: One request and its response, as the resources see them; while it is
// parked, the waiter that the job table knows.
//
// An exchange belongs to the owner of its connection (server/net/connection.h). A resource calls
// exactly one of send(), send_around(), send_laid_out(), open_stream(), or a park() whose result
// was_handed_over(). After that it touches the exchange no more.
//
// A response that goes on is opened once, and every later call finds it open: stream() is not null.
// The resource may write() as long as the socket keeps up (not stuck()), and then parks, or ends
// it. One that has more to say than fits into a turn (turn_over()) returns, and is called again
// when others have had theirs.
//
// Thread safety: none; the owner's thread only, but for what Waiter says of the claim.
#pragma once

#include <httplib.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/client_address.h"
#include "core/parking/look.h"
#include "core/parking/waiter.h"
#include "core/table/target.h"
#include "server/http/stream.h"
#include "server/metrics/http_metrics.h"
#include "server/net/access_logger.h"
#include "server/net/request_facts.h"

namespace bide {

class Connection;
class Exchange;

// What a request waits for when it is parked (server/api/table_resource.h).
enum class Stage : std::uint8_t {
  kFresh,      // The table shows what the client may have been told elsewhere.
  kExists,     // It is certain that the target is not there.
  kCondition,  // Its own condition, on its target.
};

// Something that a path names. Any number of threads at once, but one exchange never on two.
class Resource {
 public:
  virtual ~Resource() = default;
  // Answers or parks a GET or HEAD for the exchange's target.
  virtual void handle(const httplib::Request& request, Exchange& exchange) = 0;
  // For the access log.
  [[nodiscard]] virtual LogPath log_path(const Target& target) const = 0;
  // For metrics.
  [[nodiscard]] virtual ParkedOn parked_on(const Target& target) const = 0;
  // Answers a request that was parked, or parks it in another stage, or opens the stream that was
  // asked for; of a stream: writes the next record, parks nothing. `snapshot` as in
  // Waiter::answer().
  virtual void finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                      Exchange& exchange) = 0;
  // Of a stream that is neither stuck nor parked: writes what is news, then parks or ends it.
  virtual void go_on(Exchange& /*exchange*/) {}
  // Takes what the client of a stream that listens has sent.
  virtual void receive(std::string_view /*bytes*/, Exchange& /*exchange*/) {}
};

class Exchange final : public Waiter {
 public:
  // One thread's time with the exchange, on its stack.
  struct Turn {
    std::string_view rest{};   // What the client has sent behind this request.
    bool handed_over = false;  // Nothing more may be done with the connection by this thread.
    std::size_t sent_bytes = 0;
    std::size_t sent_pieces = 0;
  };

  explicit Exchange(Connection& connection) : connection_(connection) {}

  // --- The request ----------------------------------------------------------------------------

  // What the response depends on; of a parked request also what it waited for.
  [[nodiscard]] RequestFacts& facts() { return facts_; }
  [[nodiscard]] const RequestFacts& facts() const { return facts_; }
  // Which resource it is for, from now on.
  void serve_by(Resource& resource) { resource_ = &resource; }
  // What of that.
  [[nodiscard]] Target& target() { return target_; }
  // If-Match, until it is judged; null: none, or judged.
  [[nodiscard]] std::unique_ptr<const ValidatorList>& only_if() { return only_if_; }
  // Where it is parked, or was parked last.
  [[nodiscard]] Stage stage() const { return stage_; }

  // --- Its client -----------------------------------------------------------------------------

  // Counts the request for its client.
  void charge();
  // Whose limits the request counts for: its token's subject, or its address.
  [[nodiscard]] std::uint64_t client() const noexcept override;
  [[nodiscard]] const ClientAddress& client_address() const;
  // Takes so many of the places that a client may hold at a time, for the parked request or the
  // stream that this becomes, unless it has some already. They are given back with its end. False:
  // there are not so many left.
  [[nodiscard]] bool take_places(std::uint16_t places = 1);
  void give_back_places();
  // The client has left so much unread that it should not be sent a large body now.
  [[nodiscard]] bool unread_full(std::size_t body_bytes);

  // --- One response ---------------------------------------------------------------------------

  void send(const httplib::Response& response) { send(response, log_path()); }
  // For what has no resource.
  void send(const httplib::Response& response, LogPath path);
  // The same where the response's body goes on with `body`, which lives in `owner`, and `tail`.
  void send_around(const httplib::Response& response, const std::shared_ptr<const Snapshot>& owner,
                   std::string_view body, std::string_view tail);
  // A response laid out by the caller: `text` is HTTP/1.1's head with its empty line, `body` lives
  // in `owner` (both empty for none), and stands for all of its JSON where that has items. `status`
  // is for metrics and the access log.
  void send_laid_out(int status, std::string_view text,
                     const std::shared_ptr<const Snapshot>& owner, std::string_view body);

  // Parks the request, or the stream, under `terms`, which a failure leaves as they are: then the
  // caller answers, by what is returned and `look`.
  [[nodiscard]] Parked park(Stage stage, Look& look);

  // --- A response that goes on ----------------------------------------------------------------

  // The stream that this is to become; open_stream() sends its head.
  void prepare_stream(std::unique_ptr<Stream> stream) { stream_ = std::move(stream); }
  // Sends the head, and what the stream begins with: `first(stream)`. The resource's go_on() is
  // called as soon as this call of it returns.
  template <typename First>
  void open_stream(First&& first) {
    const httplib::Response head = stream_->take_head();
    open_stream(head, first(static_cast<const Stream&>(*stream_)));
  }
  // The head alone, for HEAD: nothing follows.
  void send_stream_head();
  // Null: the response is one message, or the stream is not open yet.
  [[nodiscard]] Stream* stream() const { return streaming_ ? stream_.get() : nullptr; }
  [[nodiscard]] bool streaming() const { return streaming_; }
  // `body` lives in `owner`; text, body and tail follow each other on the wire.
  void write(std::string_view text, const std::shared_ptr<const Snapshot>& owner = nullptr,
             std::string_view body = {}, std::string_view tail = {});
  // The socket has not taken all, or is broken: go_on() is called once it has, or never.
  [[nodiscard]] bool stuck() const;
  // So much has been sent in this turn that the thread is due to others.
  [[nodiscard]] bool turn_over() const {
    return turn_->sent_bytes >= kTurnBytes || turn_->sent_pieces >= kTurnPieces;
  }
  // Says goodbye, behind `text` and the others as in write(), and has the connection closed once
  // the client has it all. What is sent at once costs one system call and wakes the client once.
  void end_stream(Stream::End why, std::string text = {},
                  const std::shared_ptr<const Snapshot>& owner = nullptr,
                  std::string_view body = {}, std::string tail = {});

  // --- For the protocol -----------------------------------------------------------------------

  // For one call of a resource; `turn` must outlive it.
  void begin_turn(Turn& turn) { turn_ = &turn; }
  [[nodiscard]] const Turn& turn() const { return *turn_; }
  [[nodiscard]] Connection& connection() const { return connection_; }
  [[nodiscard]] Resource& resource() const { return *resource_; }
  // `-` for what no resource serves.
  [[nodiscard]] LogPath log_path() const {
    return resource_ == nullptr ? LogPath("-") : resource_->log_path(target_);
  }
  [[nodiscard]] ParkedOn parked_on() const { return parked_on_; }
  void drop_stream();
  // What only the request that is over needed.
  void forget_request();
  // As `ticket` is given to the job table, for the claim.
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

  void open_stream(const httplib::Response& head, std::string_view first);
  void send_whole(const httplib::Response& response, const std::shared_ptr<const Snapshot>& owner,
                  std::string_view body, std::string_view tail, LogPath path);
  void transmit(std::string_view text, const std::shared_ptr<const Snapshot>& owner,
                std::string_view body, std::string_view tail);
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
