// server/http2/http2_session.h: The state of one HTTP/2 connection: nghttp2's session, which knows
// frames, header compression and flow control, and the exchanges that are open.
//
// nghttp2 calls back while it reads or writes. The callbacks keep the books of this class and hand
// requests to a Handler; they never read, write or free the session.
//
// What a client can cost. Exchanges at a time: SETTINGS_MAX_CONCURRENT_STREAMS. Bytes of
// requests: kept_bytes(), which count for the client. Frames that carry nothing (PING, SETTINGS,
// PRIORITY, WINDOW_UPDATE, RST_STREAM, empty DATA) have a budget; beyond it the connection ends
// with ENHANCE_YOUR_CALM. nghttp2 itself limits requests that are taken back (CVE-2023-44487),
// CONTINUATION frames, and answers to PING and SETTINGS that wait. Answers that are not taken: the
// time that Front::Limits::write gives.
//
// Thread safety: none; belongs to its connection's owner.
#pragma once

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/c_handle.h"
#include "server/http2/field_block.h"
#include "server/http2/http2_exchange.h"
#include "server/net/connection.h"

namespace bide {

// Frames of one kind that a client may send: so many at once, and so many a second.
class FrameBudget {
 public:
  FrameBudget(std::uint32_t burst, std::uint32_t per_second)
      : left_(burst), burst_(burst), per_second_(per_second) {}
  // False: it is used up.
  [[nodiscard]] bool spend(TimePoint now);
  // What the client has done was of use.
  void earn(std::uint32_t frames) { left_ = std::min(burst_, left_ + frames); }

 private:
  std::uint32_t left_;
  const std::uint32_t burst_, per_second_;
  TimePoint filled_at_{};
};

class Http2Session final : public Session {
 public:
  // What happens to exchanges. All are called with the connection owned, inside receive() or
  // fill(). They may submit responses; throwing std::bad_alloc ends the connection.
  class Handler {
   public:
    // The request is complete.
    virtual void serve(Http2Exchange& exchange, const http::Request& request,
                       const std::optional<std::string>& host) = 0;
    virtual void reject(Http2Exchange& exchange, const Refusal& refusal,
                        std::string_view method) = 0;
    // It is over, whatever the reason, and the session has forgotten it: frees it, or leaves that
    // to whom it belongs to at the moment. Must not throw.
    virtual void end(Http2Exchange& exchange) noexcept = 0;

   protected:
    ~Handler() = default;
  };

  // Submits our SETTINGS. `streams`: how many exchanges the client may have at a time. Throws
  // std::bad_alloc. The handler must outlive the session.
  Http2Session(Connection& connection, Handler& handler, std::uint32_t streams);
  // Ends all exchanges.
  ~Http2Session() override;

  // --- Session

  [[nodiscard]] std::size_t kept_bytes() const noexcept override;
  [[nodiscard]] bool busy() const noexcept override { return open_ != 0; }

  // --- Bytes

  // Takes all of the client's bytes. False: the connection has to end, after what fill() brings.
  [[nodiscard]] bool receive(std::string_view bytes);
  // Appends frames until there are none, or `out` has kFillBytes. False: as receive().
  static constexpr std::size_t kFillBytes = 65'536;
  [[nodiscard]] bool fill(std::string& out);
  // Nothing more is to be read or sent: all is over, or the connection was broken off.
  [[nodiscard]] bool over() const;

  // --- Responses. All may throw std::bad_alloc.

  // Begins the response: `head` as response_fields.h takes it. The body is what exchange.unsent
  // has; it may follow later if `exchange.last` is not set.
  void respond(Http2Exchange& exchange, std::string_view head);
  // More of the body has been added to exchange.unsent, or it is complete.
  void go_on(Http2Exchange& exchange);
  void reset(Http2Exchange& exchange, std::uint32_t error);
  // The client should open no more exchanges here; those that are on their way are served.
  void give_notice();
  // Those that have come are served; others are not.
  void say_last();
  // As say_last(), but the open exchanges end, too.
  void break_off(std::uint32_t error);
  [[nodiscard]] bool noticed() const { return noticed_; }
  [[nodiscard]] bool said_last() const { return said_last_; }

  // --- Exchanges

  // Those with bytes that the client has not taken.
  ExchangeLink sending;
  // Streams whose bytes were all taken: they may go on.
  ExchangeLink drained;
  // Those with much content, for the thread for bulk.
  ExchangeLink bulk;
  // All others: parked, or receiving a request.
  ExchangeLink quiet;
  const std::shared_ptr<AnswerQueue> answers;
  [[nodiscard]] std::size_t open() const { return open_; }
  [[nodiscard]] std::size_t incoming() const { return incoming_; }
  // The request of one in `bulk` is complete: hands it to the handler.
  void serve_bulk(Http2Exchange& exchange);
  // Ends what is incomplete and late.
  void expire_incoming(TimePoint now);
  // When the client's SETTINGS, or the rest of a head, must have come; kEndOfTime: neither is due.
  [[nodiscard]] TimePoint head_by() const { return head_by_; }

  // The next exchange that has come back to be answered. Null: none.
  [[nodiscard]] Http2Exchange* take_answered() noexcept;

  // For the owner: when it has to look at what is late; kEndOfTime: never.
  TimePoint look_at = kEndOfTime;
  TimePoint idle_since{};
  bool bulk_turn = false;

 private:
  struct Callbacks;  // What nghttp2 calls.

  [[nodiscard]] Http2Exchange* find(std::int32_t stream) const;
  void on_head(const nghttp2_frame& frame);
  void on_content(Http2Exchange& exchange, std::string_view bytes);
  void on_request_end(Http2Exchange& exchange);
  void on_closed(Http2Exchange& exchange);
  [[nodiscard]] std::ptrdiff_t read_body(Http2Exchange& exchange, std::span<std::uint8_t> out,
                                         std::uint32_t& flags);
  // False: used up.
  [[nodiscard]] bool spend(const nghttp2_frame_hd& frame);
  void drop_incoming(Http2Exchange& exchange);
  // Throws std::bad_alloc if nghttp2 had no memory.
  void check(int result);

  Connection& connection_;
  Handler& handler_;
  CHandle<nghttp2_session, nghttp2_session_del> session_;
  FieldBlock block_;
  TimePoint head_by_;
  FrameBudget barren_;
  Http2Exchange* answered_ = nullptr;  // Taken from the queue: those that wait for their turn.
  std::size_t open_ = 0;
  std::size_t incoming_ = 0;
  std::size_t content_bytes_ = 0;  // Of requests that are not complete.
  bool in_head_ = false;
  bool noticed_ = false;
  bool said_last_ = false;
  bool spent_ = false;   // The budget is used up.
  bool failed_ = false;  // A callback had no memory.
};

}  // namespace bide
