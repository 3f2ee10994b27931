// server/websocket/web_socket.h: One WebSocket connection after its handshake, without its socket:
// RFC 6455 sections 5 to 7, the server's side, no extensions.
//
// It appends bytes to `out`, which is on its way to the socket. `out` must end between two frames:
// a payload that is sent separately, after append_text_head(), must be finished first. Data frames
// may be sent only while state() is kOpen, because nothing of ours may follow our close frame.
//
// Bounds: a call of receive() adds a close frame and the pongs for the pings it was given, which
// are shorter than these. So a connection that reads no further while `out` waits for a slow client
// has a bound on `out`. Answering only the latest ping (section 5.5.3) would save little, and test
// suites want every pong, in its place.
//
// Memory: 16 bytes while idle, and nothing on the heap. Within a frame or a message 4.5 KB more and
// up to twice the message so far. Deadlines are the caller's: see is_idle().
//
// Thread safety: none; it belongs to one connection. Calls never block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/websocket/web_socket_reader.h"

namespace bide {

class WebSocket {
 public:
  static constexpr std::uint32_t kMessageBytesMax = WebSocketReader::kMessageBytesMax;

  // `message_bytes_max`: the limit for a message from the client.
  explicit WebSocket(std::uint32_t message_bytes_max = kMessageBytesMax)
      : message_bytes_max_(message_bytes_max) {}

  enum class State : std::uint8_t {
    kOpen,
    // We have sent a close frame and wait for the client's, for as long as the caller allows.
    kClosing,
    // Send what is in `out`, then close the socket: both have sent a close frame, or the client
    // broke the protocol. A socket that is closed with bytes unread resets the connection, and the
    // client may lose the close frame: shut down the sending side, and read for a moment longer.
    kClosed,
  };

  // A whole data message. The payload is valid during the call; it must not throw. It may call
  // append_close() on this very object, with the same `out`; no further messages follow then.
  using OnMessage = std::function<void(std::string_view payload, bool binary)>;

  // Takes what the client has sent, in pieces of any size, and appends what must be answered.
  // Fails the connection, with a close frame of this code, on
  //   kProtocolError   no mask; reserved bits or opcodes; a control frame that is fragmented or has
  //                    more than 125 bytes; a message within another's fragments, or none to
  //                    continue; a length not in its shortest form; a close frame of one byte or
  //                    with a code that may not be sent
  //   kInvalidPayload  a text message or a close reason that is not UTF-8; as early as the byte
  //   kTooLarge        a message over the limit, as soon as it is announced
  // Once kClosed, all bytes are ignored. While kClosing, messages are dropped and pings answered,
  // as section 5.5.2 demands until the client's close frame is here.
  State receive(std::string_view bytes, std::string& out, const OnMessage& on_message);

  // Appends nothing once a close frame was sent.
  void append_ping(std::string& out) const;

  // Closes: appends a close frame, unless that was done before. `reason`: UTF-8, at most 123 bytes.
  void append_close(std::string& out, CloseCode code, std::string_view reason);

  [[nodiscard]] State state() const { return state_; }

  // Memory that the client's unfinished message or frame takes, at most.
  [[nodiscard]] std::size_t kept_bytes() const {
    constexpr std::size_t kReaderBytes = 4608;
    return reader_ == nullptr ? 0 : kReaderBytes + message_bytes_max_;
  }

  // Neither within a frame nor within a message of the client's.
  [[nodiscard]] bool is_idle() const { return reader_ == nullptr; }

  // The head of a text frame that is a message of its own; the caller appends the payload, which
  // thousands may share.
  static void append_text_head(std::string& out, std::uint64_t payload_bytes);

 private:
  void handle(WebSocketReader::Event event, std::string& out, const OnMessage& on_message);

  std::unique_ptr<WebSocketReader> reader_;  // Only while not idle.
  const std::uint32_t message_bytes_max_;
  State state_ = State::kOpen;
};

}  // namespace bide
