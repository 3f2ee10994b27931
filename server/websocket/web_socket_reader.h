// server/websocket/web_socket_reader.h: Makes messages of the bytes that a WebSocket client sends,
// or finds the reason to fail the connection: RFC 6455 sections 5 and 8.1.
//
// The frames' heads, lengths and masks are wslay's (wslay_frame_*). Its upper half, wslay_event_*,
// is not used; at 1.1.1 it was found to
//   - skip the first two bytes of every *piece* of a close frame when it checks the reason's UTF-8,
//     so that bad reasons pass and good ones are refused, as the reads happen to fall;
//   - take a close frame of one byte, and refuse the registered codes 1012 to 1014;
//   - answer a broken control frame with an empty close instead of 1002;
//   - queue a pong for each ping without a bound, hold a message of 64 KiB that comes in one-byte
//     fragments in 6 MB, and reserve a fragment's announced length before any of it is here;
//   - need 8.8 KB a connection, twice what the frames alone need.
//
// Limits: a message's bytes, all fragments together; control frames have theirs in the protocol. A
// message is too large as soon as a frame's head announces that, before any of that frame's payload
// is here. Everything else about a frame is judged when its first payload byte is here (wslay shows
// no head before).
//
// Memory: 4.5 KB, and up to twice the message so far (16 KiB at most by default; never what is only
// announced). So it is meant to be made when bytes arrive and dropped when is_idle().
//
// Thread safety: none; a reader belongs to one connection.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/websocket/utf8_scan.h"

struct wslay_frame_context;
struct wslay_frame_iocb;

namespace bide {

// RFC 6455 section 7.4.1, those that bide sends; 1013 is from IANA's registry.
enum class CloseCode : std::uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kInvalidPayload = 1007,
  kPolicyViolation = 1008,
  kTooLarge = 1009,
  kTryAgainLater = 1013,
};

class WebSocketReader {
 public:
  static constexpr std::uint32_t kMessageBytesMax = 8192;

  enum class Event : std::uint8_t {
    kNone,    // All that was fed is taken.
    kText,    // payload() is a whole message, and UTF-8.
    kBinary,  // payload() is a whole message.
    kPing,    // payload() is what the pong must say.
    kClose,   // payload() is the status code to echo, as two bytes, or empty. The last event.
    kFailed,  // failure() says why. The last event.
  };

  // std::bad_alloc.
  explicit WebSocketReader(std::uint32_t message_bytes_max = kMessageBytesMax);
  ~WebSocketReader();
  WebSocketReader(const WebSocketReader&) = delete;
  WebSocketReader& operator=(const WebSocketReader&) = delete;

  // `bytes`, in pieces of any size, must stay until next() says kNone or the last event.
  void feed(std::string_view bytes) { input_ = bytes; }
  Event next();
  // Valid until the next call of next().
  [[nodiscard]] std::string_view payload() const { return payload_; }
  // kProtocolError, kInvalidPayload or kTooLarge.
  [[nodiscard]] CloseCode failure() const { return failure_; }

  // Neither within a frame nor within a message: a new reader would go on just as well.
  [[nodiscard]] bool is_idle() const;

 private:
  // What the frames' heads announce, read ahead of wslay.
  struct Announced {
    std::array<std::uint8_t, 10> head{};  // Without the mask.
    std::uint8_t head_bytes = 0;          // That are here.
    bool in_message = false;
    std::uint64_t skip_bytes = 0;     // Up to the next head.
    std::uint64_t message_bytes = 0;  // Of the message so far, all its frames.
  };

  std::size_t hand_over(std::uint8_t* to, std::size_t bytes_max);
  // How many of the bytes may go on to wslay: all, or up to the one that makes a message too large.
  std::size_t look_ahead(std::string_view bytes);
  // A head's length is here. False: it is too much.
  [[nodiscard]] bool take_head();
  Event take_piece(const wslay_frame_iocb& piece);
  Event start_frame(const wslay_frame_iocb& piece);
  Event start_data_frame(const wslay_frame_iocb& piece);
  Event finish_frame(const wslay_frame_iocb& piece);
  Event finish_close();
  Event fail(CloseCode why);

  const std::uint32_t message_bytes_max_;
  wslay_frame_context* frames_ = nullptr;
  std::string_view input_;              // Fed, and not yet handed to wslay.
  std::size_t unfinished_bytes_ = 0;    // Handed to wslay, and part of no finished frame.
  std::uint64_t frame_bytes_left_ = 0;  // Of this frame's payload.
  bool in_frame_ = false;
  bool failed_ = false;
  bool too_large_ = false;  // Once all before that has been dealt with.
  Announced announced_;
  CloseCode failure_ = CloseCode::kProtocolError;
  Event message_kind_ = Event::kNone;  // kNone: no message has begun.
  Utf8Scan utf8_;                      // For the current text; new again at its end.
  std::string message_;
  std::string control_;
  std::string_view payload_;
};

}  // namespace bide
