#include "server/websocket/web_socket.h"

#include <wslay/wslay.h>

#include <algorithm>
#include <cassert>

namespace bide {
namespace {

constexpr unsigned kFinal = 0x80;
constexpr std::size_t kControlBytesMax = 125;  // Section 5.5.

void append_byte(std::string& out, std::uint64_t byte) { out += static_cast<char>(byte & 0xFF); }

void append_control(std::string& out, wslay_opcode opcode, std::string_view payload) {
  assert(payload.size() <= kControlBytesMax);
  append_byte(out, kFinal | opcode);
  append_byte(out, payload.size());
  out += payload;
}

}  // namespace

WebSocket::State WebSocket::receive(std::string_view bytes, std::string& out,
                                    const OnMessage& on_message) {
  if (state_ == State::kClosed || bytes.empty()) return state_;
  // Takes 0.2 us, and clients seldom send anything. Kept, it would take memory for thousands of
  // them.
  if (!reader_) reader_ = std::make_unique<WebSocketReader>(message_bytes_max_);
  reader_->feed(bytes);
  WebSocketReader::Event event;
  do {
    event = reader_->next();
    handle(event, out, on_message);
  } while (event != WebSocketReader::Event::kNone && state_ != State::kClosed);
  if (state_ == State::kClosed || reader_->is_idle()) reader_.reset();
  return state_;
}

void WebSocket::handle(WebSocketReader::Event event, std::string& out,
                       const OnMessage& on_message) {
  using Event = WebSocketReader::Event;
  switch (event) {
    case Event::kNone:
      return;
    case Event::kText:
    case Event::kBinary:
      if (state_ == State::kOpen) on_message(reader_->payload(), event == Event::kBinary);
      return;
    case Event::kPing:
      return append_control(out, WSLAY_PONG, reader_->payload());
    case Event::kClose:
      if (state_ == State::kOpen) append_control(out, WSLAY_CONNECTION_CLOSE, reader_->payload());
      state_ = State::kClosed;
      return;
    case Event::kFailed:
      append_close(out, reader_->failure(), {});
      state_ = State::kClosed;
      return;
  }
}

void WebSocket::append_ping(std::string& out) const {
  if (state_ == State::kOpen) append_control(out, WSLAY_PING, {});
}

void WebSocket::append_close(std::string& out, CloseCode code, std::string_view reason) {
  if (state_ != State::kOpen) return;
  std::string payload;
  append_byte(payload, static_cast<unsigned>(code) >> 8U);
  append_byte(payload, static_cast<unsigned>(code));
  assert(payload.size() + reason.size() <= kControlBytesMax);
  payload += reason.substr(0, kControlBytesMax - payload.size());
  append_control(out, WSLAY_CONNECTION_CLOSE, payload);
  state_ = State::kClosing;
}

void WebSocket::append_text_head(std::string& out, std::uint64_t payload_bytes) {
  append_byte(out, kFinal | WSLAY_TEXT_FRAME);
  // Section 5.2: 126 and 127 announce a length of 16 and of 64 bits, in network order.
  int bits = 8;
  if (payload_bytes >= 65'536) {
    append_byte(out, 127);
    bits = 64;
  } else if (payload_bytes >= 126) {
    append_byte(out, 126);
    bits = 16;
  }
  while (bits > 0) append_byte(out, payload_bytes >> (bits -= 8));
}

}  // namespace bide
