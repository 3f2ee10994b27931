#include "server/http2/http2_session.h"

#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "server/http/request_fields.h"
#include "server/http2/response_fields.h"
#include "server/net/front.h"

namespace bide {
namespace {

// Frames without use that a client may send at once, and in a second. A client that reads a large
// answer sends two WINDOW_UPDATE for each frame of it; those are earned by what it reads.
constexpr std::uint32_t kBarrenFrames = 10'000;
constexpr std::uint32_t kBarrenFramesPerSecond = 500;
constexpr std::uint32_t kEarnedByRequest = 4;
constexpr std::uint32_t kEarnedByData = 4;

// Requests that a client may take back at once, if it may not have more open, and in a second.
constexpr std::uint64_t kResets = 1000;
constexpr std::uint64_t kResetsPerSecond = 100;

// What an exchange costs while its request arrives, beside the request.
constexpr std::size_t kIncomingBytes = 1024;

// Copies what fits. Returns the number of bytes.
std::size_t copy_out(const Unsent& unsent, std::span<std::uint8_t> out) {
  thread_local std::vector<std::string_view> pieces;
  pieces.clear();
  unsent.append_pieces(pieces);
  std::size_t copied = 0;
  for (const std::string_view piece : pieces) {
    const std::size_t bytes = std::min(piece.size(), out.size() - copied);
    std::memcpy(out.data() + copied, piece.data(), bytes);
    copied += bytes;
    if (copied == out.size()) break;
  }
  return copied;
}

Http2Exchange& first_of(ExchangeLink& list) { return static_cast<Http2Exchange&>(*list.after); }

}  // namespace

bool FrameBudget::spend(TimePoint now) {
  if (left_ == 0) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - filled_at_);
    if (seconds.count() < 1) return false;
    filled_at_ = now;
    left_ = per_second_;
  }
  --left_;
  return true;
}

// --- What nghttp2 calls -----------------------------------------------------------------------

struct Http2Session::Callbacks {
  // Runs `call`; no exception may pass through nghttp2.
  template <typename Call>
  static int guarded(void* self, Call&& call) noexcept {
    auto& session = *static_cast<Http2Session*>(self);
    try {
      call(session);
      return 0;
    } catch (const std::exception&) {
      session.failed_ = true;
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
  }

  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* self) {
    auto& session = *static_cast<Http2Session*>(self);
    if (!session.spend(*head)) session.spent_ = true;
    return 0;
  }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    return guarded(self, [&](Http2Session& session) {
      session.in_head_ = true;
      const Front& front = *session.connection_.front;
      session.head_by_ = session.connection_.front->clock().now() + front.limits().head;
      if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) session.block_.begin();
    });
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t /*flags*/, void* self) {
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;  // Trailers are not kept.
    return guarded(self, [&](Http2Session& session) {
      session.block_.take({reinterpret_cast<const char*>(name), name_size},
                          {reinterpret_cast<const char*>(value), value_size});
      // What goes far beyond the limit is an attack on the decoder.
      constexpr std::size_t kBlockBytesMax = 4 * kHeadBytesMax;
      if (session.block_.bytes() > kBlockBytesMax) session.spent_ = true;
    });
  }

  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    return guarded(self, [&](Http2Session& session) {
      if (frame->hd.type == NGHTTP2_SETTINGS) session.head_by_ = kEndOfTime;
      if (frame->hd.type == NGHTTP2_HEADERS) {
        session.in_head_ = false;
        session.head_by_ = kEndOfTime;
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) return session.on_head(*frame);
      }
      const bool content = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
      if (!content || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
      Http2Exchange* const exchange = session.find(frame->hd.stream_id);
      if (exchange != nullptr) session.on_request_end(*exchange);
    });
  }

  static int content(nghttp2_session*, std::uint8_t /*flags*/, std::int32_t stream,
                     const std::uint8_t* bytes, std::size_t size, void* self) {
    return guarded(self, [&](Http2Session& session) {
      Http2Exchange* const exchange = session.find(stream);
      if (exchange == nullptr) return;
      session.on_content(*exchange, {reinterpret_cast<const char*>(bytes), size});
    });
  }

  static int sent(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    return guarded(self, [&](Http2Session& session) {
      if (frame->hd.type == NGHTTP2_DATA) session.barren_.earn(kEarnedByData);
      if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
      // The response does not depend on the rest of the request (RFC 9113 section 8.1).
      Http2Exchange* const exchange = session.find(frame->hd.stream_id);
      if (exchange != nullptr && !exchange->requested) session.reset(*exchange, NGHTTP2_NO_ERROR);
    });
  }

  static int closed(nghttp2_session*, std::int32_t stream, std::uint32_t /*error*/, void* self) {
    auto& session = *static_cast<Http2Session*>(self);
    if (Http2Exchange* const exchange = session.find(stream)) session.on_closed(*exchange);
    return 0;
  }

  static ssize_t read(nghttp2_session*, std::int32_t /*stream*/, std::uint8_t* out,
                      std::size_t size, std::uint32_t* flags, nghttp2_data_source* source,
                      void* self) {
    auto& session = *static_cast<Http2Session*>(self);
    try {
      return session.read_body(*static_cast<Http2Exchange*>(source->ptr), {out, size}, *flags);
    } catch (const std::exception&) {
      session.failed_ = true;
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
  }

  // Never freed: the process ends with it.
  static const nghttp2_session_callbacks* all() {
    static const nghttp2_session_callbacks* const callbacks = [] {
      nghttp2_session_callbacks* made = nullptr;
      if (nghttp2_session_callbacks_new(&made) != 0) throw std::bad_alloc();
      nghttp2_session_callbacks_set_on_begin_frame_callback(made, begin_frame);
      nghttp2_session_callbacks_set_on_begin_headers_callback(made, begin_headers);
      nghttp2_session_callbacks_set_on_header_callback(made, header);
      nghttp2_session_callbacks_set_on_frame_recv_callback(made, frame);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, content);
      nghttp2_session_callbacks_set_on_frame_send_callback(made, sent);
      nghttp2_session_callbacks_set_on_stream_close_callback(made, closed);
      return made;
    }();
    return callbacks;
  }
};

// --- The session ------------------------------------------------------------------------------

Http2Session::Http2Session(Connection& connection, Handler& handler, std::uint32_t streams)
    : answers(std::make_shared<AnswerQueue>(*connection.front, Front::key_of(connection),
                                            connection.front->protocol_of(connection))),
      connection_(connection),
      handler_(handler),
      head_by_(connection.front->clock().now() + connection.front->limits().head),
      barren_(std::max(kBarrenFrames, 2 * streams), kBarrenFramesPerSecond) {
  nghttp2_option* made = nullptr;
  if (nghttp2_option_new(&made) != 0) throw std::bad_alloc();
  const CHandle<nghttp2_option, nghttp2_option_del> option(made);
  nghttp2_option_set_no_closed_streams(made, 1);
  nghttp2_option_set_stream_reset_rate_limit(made, std::max(kResets, std::uint64_t{2} * streams),
                                             kResetsPerSecond);
  nghttp2_session* session = nullptr;
  if (nghttp2_session_server_new2(&session, Callbacks::all(), this, made) != 0) {
    throw std::bad_alloc();
  }
  session_.reset(session);
  const std::array<nghttp2_settings_entry, 3> settings = {{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kHeadBytesMax},
      // The tree of priorities of RFC 7540 is work that a client can ask for without end.
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  check(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()));
}

Http2Session::~Http2Session() {
  for (ExchangeLink* const list : {&sending, &drained, &bulk, &quiet}) {
    while (!list->alone()) {
      Http2Exchange& exchange = first_of(*list);
      exchange.leave();
      handler_.end(exchange);
    }
  }
  for (Http2Exchange* list : {answered_, answers->close()}) {
    while (list != nullptr) {
      Http2Exchange& exchange = *std::exchange(list, list->next_answer);
      exchange.come_back();
      handler_.end(exchange);
    }
  }
}

Http2Exchange* Http2Session::take_answered() noexcept {
  if (answered_ == nullptr) answered_ = answers->take();
  if (answered_ == nullptr) return nullptr;
  Http2Exchange* const next = std::exchange(answered_, answered_->next_answer);
  next->come_back();
  return next;
}

std::size_t Http2Session::kept_bytes() const noexcept {
  return (in_head_ ? block_.kept_bytes() : 0) + incoming_ * kIncomingBytes + content_bytes_;
}

Http2Exchange* Http2Session::find(std::int32_t stream) const {
  return static_cast<Http2Exchange*>(nghttp2_session_get_stream_user_data(session_.get(), stream));
}

void Http2Session::check(int result) {
  if (result == NGHTTP2_ERR_NOMEM) throw std::bad_alloc();
}

// --- Bytes ------------------------------------------------------------------------------------

bool Http2Session::receive(std::string_view bytes) {
  // The memory of a block that is not in use belongs to the thread.
  thread_local FieldBlock spare;
  if (!in_head_) std::swap(block_, spare);
  const ssize_t taken = nghttp2_session_mem_recv(
      session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (!in_head_) std::swap(block_, spare);
  if (failed_ || taken == NGHTTP2_ERR_NOMEM) throw std::bad_alloc();
  if (taken >= 0 && !spent_) return true;
  const bool calm = spent_ || taken == NGHTTP2_ERR_FLOODED;
  break_off(calm ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
  return false;
}

bool Http2Session::fill(std::string& out) {
  while (out.size() < kFillBytes) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (failed_ || size == NGHTTP2_ERR_NOMEM) throw std::bad_alloc();
    if (size < 0) return false;
    if (size == 0) break;
    out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
  return true;
}

bool Http2Session::over() const {
  return nghttp2_session_want_read(session_.get()) == 0 &&
         nghttp2_session_want_write(session_.get()) == 0;
}

bool Http2Session::spend(const nghttp2_frame_hd& frame) {
  switch (frame.type) {
    case NGHTTP2_HEADERS:
      barren_.earn(kEarnedByRequest);
      return true;
    case NGHTTP2_DATA:
      if (frame.length > 0 || (frame.flags & NGHTTP2_FLAG_END_STREAM) != 0) return true;
      break;
    default:
      break;
  }
  return barren_.spend(connection_.front->clock().now());
}

// --- Requests ---------------------------------------------------------------------------------

void Http2Session::on_head(const nghttp2_frame& frame) {
  const bool ended = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  auto made = std::make_unique<Http2Exchange>(connection_, answers, frame.hd.stream_id);
  check(nghttp2_session_set_stream_user_data(session_.get(), frame.hd.stream_id, made.get()));
  Http2Exchange& exchange = *made.release();
  exchange.move_to(quiet);
  ++open_;
  const Refusal refusal = block_.finish(ended);
  exchange.requested = ended;
  if (refusal) return handler_.reject(exchange, refusal, block_.method());
  if (ended) return handler_.serve(exchange, block_.request(), block_.host());
  auto incoming = std::make_unique<Http2Incoming>();
  const Front& front = *connection_.front;
  incoming->deadline = connection_.front->clock().now() + front.limits().body;
  incoming->host = block_.host();
  if (block_.expects_continue()) {
    static constexpr std::string_view kInterim = "HTTP/1.1 100 Continue\r\n\r\n";
    const auto fields = fields_of(kInterim);
    check(nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, frame.hd.stream_id, nullptr,
                                 fields.data(), fields.size(), nullptr));
  }
  incoming->request = std::move(*block_.take_request());
  exchange.incoming = std::move(incoming);
  ++incoming_;
}

void Http2Session::on_content(Http2Exchange& exchange, std::string_view bytes) {
  if (exchange.incoming == nullptr) return;  // It was refused.
  Http2Incoming& incoming = *exchange.incoming;
  incoming.bytes += bytes.size();
  if (incoming.bytes > kBodyBytesMax) {
    const std::string method = std::move(incoming.request.method);
    drop_incoming(exchange);
    return handler_.reject(exchange, {413, "body longer than 1 MiB"}, method);
  }
  if (!takes_content(incoming.request.method)) return;
  incoming.content += bytes;
  content_bytes_ += bytes.size();
}

void Http2Session::on_request_end(Http2Exchange& exchange) {
  exchange.requested = true;
  if (exchange.incoming == nullptr) return;
  if (exchange.incoming->content.size() > kContentBytesBeforeBulk) return exchange.move_to(bulk);
  serve_bulk(exchange);
}

void Http2Session::serve_bulk(Http2Exchange& exchange) {
  exchange.move_to(quiet);
  const std::unique_ptr<Http2Incoming> incoming = std::move(exchange.incoming);
  --incoming_;
  content_bytes_ -= incoming->content.size();
  incoming->request.body = std::move(incoming->content);
  handler_.serve(exchange, incoming->request, incoming->host);
}

void Http2Session::drop_incoming(Http2Exchange& exchange) {
  if (exchange.incoming == nullptr) return;
  --incoming_;
  content_bytes_ -= exchange.incoming->content.size();
  exchange.incoming.reset();
}

void Http2Session::expire_incoming(TimePoint now) {
  if (incoming_ == 0) return;
  for (ExchangeLink* link = quiet.after; link != &quiet;) {
    auto& exchange = static_cast<Http2Exchange&>(*std::exchange(link, link->after));
    if (exchange.away() || exchange.incoming == nullptr) continue;
    if (now < exchange.incoming->deadline) continue;
    const std::string method = std::move(exchange.incoming->request.method);
    drop_incoming(exchange);
    handler_.reject(exchange, {408, "the body did not arrive in time"}, method);
  }
}

void Http2Session::on_closed(Http2Exchange& exchange) {
  exchange.leave();
  drop_incoming(exchange);
  --open_;
  if (open_ == 0) idle_since = connection_.front->clock().now();
  handler_.end(exchange);
}

// --- Responses --------------------------------------------------------------------------------

void Http2Session::respond(Http2Exchange& exchange, std::string_view head) {
  exchange.responded = true;
  const auto fields = fields_of(head);
  nghttp2_data_provider body{{.ptr = &exchange}, Callbacks::read};
  const bool has_body = exchange.unsent != nullptr || !exchange.last;
  if (exchange.unsent != nullptr) exchange.move_to(sending);
  check(nghttp2_submit_response(session_.get(), exchange.stream_id, fields.data(), fields.size(),
                                has_body ? &body : nullptr));
}

void Http2Session::go_on(Http2Exchange& exchange) {
  exchange.move_to(exchange.unsent != nullptr ? sending : quiet);
  check(nghttp2_session_resume_data(session_.get(), exchange.stream_id));
}

std::ptrdiff_t Http2Session::read_body(Http2Exchange& exchange, std::span<std::uint8_t> out,
                                       std::uint32_t& flags) {
  std::size_t bytes = 0;
  if (exchange.unsent != nullptr) {
    bytes = copy_out(*exchange.unsent, out);
    exchange.unsent->take(bytes);
    if (exchange.unsent->empty()) {
      connection_.front->sender().drop_unsent(exchange);
      exchange.move_to(exchange.last ? quiet : drained);
    }
  }
  if (exchange.unsent == nullptr && exchange.last) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
  } else if (bytes == 0) {
    return NGHTTP2_ERR_DEFERRED;
  }
  return static_cast<std::ptrdiff_t>(bytes);
}

void Http2Session::reset(Http2Exchange& exchange, std::uint32_t error) {
  check(nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, exchange.stream_id, error));
}

void Http2Session::give_notice() {
  if (std::exchange(noticed_, true)) return;
  check(nghttp2_submit_shutdown_notice(session_.get()));
}

void Http2Session::say_last() {
  if (std::exchange(said_last_, true)) return;
  const std::int32_t last = nghttp2_session_get_last_proc_stream_id(session_.get());
  check(
      nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0));
}

void Http2Session::break_off(std::uint32_t error) {
  said_last_ = true;
  check(nghttp2_session_terminate_session(session_.get(), error));
}

}  // namespace bide
