#include "server/websocket/web_socket_reader.h"

#include <wslay/wslay.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace bide {
namespace {

using Event = WebSocketReader::Event;

// The size of a frame's head with its mask. It is exact, because wslay takes only the shortest form
// of a length (section 5.2).
std::size_t head_bytes(std::uint64_t payload_bytes) {
  const std::size_t length_bytes = payload_bytes < 126 ? 0 : payload_bytes < 65'536 ? 2 : 8;
  return 2 + length_bytes + 4;
}

// The size of the extended length, by the second byte of a head.
std::size_t extended_bytes(std::uint8_t second) {
  const unsigned length = second & 0x7FU;
  return length == 127 ? 8 : length == 126 ? 2 : 0;
}

// Section 7.4.1: which codes may be sent at all, and 7.4.2: 3000 to 4999 are for others to define.
// 1012 to 1014 were registered since.
bool may_be_sent(unsigned code) {
  if (code >= 1004 && code <= 1006) return false;
  return (code >= 1000 && code <= 1014) || (code >= 3000 && code <= 4999);
}

}  // namespace

WebSocketReader::WebSocketReader(std::uint32_t message_bytes_max)
    : message_bytes_max_(message_bytes_max) {
  const wslay_frame_callbacks callbacks = {
      .send_callback = nullptr,
      // The only code of ours that runs below wslay's C frames; it copies, and cannot throw. wslay
      // takes 0 as "nothing for now".
      .recv_callback = [](std::uint8_t* to, std::size_t bytes_max, int, void* reader) -> ssize_t {
        const std::size_t bytes = static_cast<WebSocketReader*>(reader)->hand_over(to, bytes_max);
        return static_cast<ssize_t>(bytes);
      },
      .genmask_callback = nullptr};
  if (wslay_frame_context_init(&frames_, &callbacks, this) != 0) throw std::bad_alloc();
}

WebSocketReader::~WebSocketReader() { wslay_frame_context_free(frames_); }

std::size_t WebSocketReader::hand_over(std::uint8_t* to, std::size_t bytes_max) {
  if (too_large_) return 0;
  const std::size_t bytes = look_ahead(input_.substr(0, bytes_max));
  if (bytes > 0) std::memcpy(to, input_.data(), bytes);
  input_.remove_prefix(bytes);
  unfinished_bytes_ += bytes;
  return bytes;
}

std::size_t WebSocketReader::look_ahead(std::string_view bytes) {
  Announced& next = announced_;
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (next.skip_bytes > 0) {
      const std::uint64_t skipped = std::min<std::uint64_t>(next.skip_bytes, bytes.size() - at);
      next.skip_bytes -= skipped;
      at += skipped;
      continue;
    }
    next.head[next.head_bytes++] = static_cast<std::uint8_t>(bytes[at]);
    if (next.head_bytes >= 2 && next.head_bytes == 2 + extended_bytes(next.head[1])) {
      too_large_ = !take_head();
      if (too_large_) return at;
      next.head_bytes = 0;
    }
    ++at;
  }
  return at;
}

// A head that breaks the protocol goes on to wslay, and is judged with its payload.
bool WebSocketReader::take_head() {
  Announced& next = announced_;
  const bool masked = (next.head[1] & 0x80U) != 0;
  std::uint64_t length = next.head[1] & 0x7FU;
  const std::size_t extended = extended_bytes(next.head[1]);
  if (extended > 0) length = 0;
  for (std::size_t i = 0; i < extended; ++i) length = length << 8U | next.head[2 + i];
  const bool highest_bit = length >> 63U != 0;
  next.skip_bytes = length + (masked && !highest_bit ? 4 : 0);
  const unsigned opcode = next.head[0] & 0x0FU;
  if (wslay_is_ctrl_frame(opcode)) return true;
  const bool shortest = extended == 0 || (extended == 2 ? length >= 126 : length >= 65'536);
  const bool goes_on = opcode == WSLAY_CONTINUATION_FRAME;
  const bool known = goes_on || opcode == WSLAY_TEXT_FRAME || opcode == WSLAY_BINARY_FRAME;
  const bool plain = (next.head[0] & 0x70U) == 0;
  if (!masked || !plain || !known || !shortest || highest_bit) return true;
  if (goes_on != next.in_message) return true;
  if (!goes_on) next.message_bytes = 0;
  if (length > message_bytes_max_ - next.message_bytes) return false;
  next.message_bytes += length;
  next.in_message = (next.head[0] & 0x80U) == 0;
  return true;
}

Event WebSocketReader::next() {
  while (!failed_) {
    wslay_frame_iocb piece{};
    const ssize_t result = wslay_frame_recv(frames_, &piece);
    if (result == WSLAY_ERR_WANT_READ && too_large_) return fail(CloseCode::kTooLarge);
    if (result == WSLAY_ERR_WANT_READ) return Event::kNone;
    // A control frame that is fragmented or longer than 125 bytes, or a length that is not in its
    // shortest form or has its highest bit set.
    if (result < 0) return fail(CloseCode::kProtocolError);
    const Event event = take_piece(piece);
    if (event != Event::kNone) return event;
  }
  return Event::kFailed;
}

Event WebSocketReader::take_piece(const wslay_frame_iocb& piece) {
  if (!in_frame_ && start_frame(piece) == Event::kFailed) return Event::kFailed;
  const std::string_view fresh(reinterpret_cast<const char*>(piece.data), piece.data_length);
  if (wslay_is_ctrl_frame(piece.opcode)) {
    control_ += fresh;
  } else {
    message_ += fresh;
    if (message_kind_ == Event::kText && !utf8_.accept(fresh)) {
      return fail(CloseCode::kInvalidPayload);
    }
  }
  frame_bytes_left_ -= fresh.size();
  return frame_bytes_left_ > 0 ? Event::kNone : finish_frame(piece);
}

// kNone: the frame may go on.
Event WebSocketReader::start_frame(const wslay_frame_iocb& piece) {
  if (piece.mask == 0 || piece.rsv != 0) return fail(CloseCode::kProtocolError);
  switch (piece.opcode) {
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
      control_.clear();
      break;
    case WSLAY_CONTINUATION_FRAME:
    case WSLAY_TEXT_FRAME:
    case WSLAY_BINARY_FRAME:
      if (start_data_frame(piece) == Event::kFailed) return Event::kFailed;
      break;
    default:  // Reserved.
      return fail(CloseCode::kProtocolError);
  }
  in_frame_ = true;
  frame_bytes_left_ = piece.payload_length;
  return Event::kNone;
}

Event WebSocketReader::start_data_frame(const wslay_frame_iocb& piece) {
  const bool goes_on = piece.opcode == WSLAY_CONTINUATION_FRAME;
  const bool has_begun = message_kind_ != Event::kNone;
  if (goes_on != has_begun) return fail(CloseCode::kProtocolError);
  if (!goes_on) {
    message_kind_ = piece.opcode == WSLAY_TEXT_FRAME ? Event::kText : Event::kBinary;
    message_.clear();
  }
  return Event::kNone;
}

Event WebSocketReader::finish_frame(const wslay_frame_iocb& piece) {
  in_frame_ = false;
  unfinished_bytes_ -= head_bytes(piece.payload_length) + piece.payload_length;
  if (piece.opcode == WSLAY_PONG) return Event::kNone;  // Asked for or not: section 5.5.3.
  if (piece.opcode == WSLAY_CONNECTION_CLOSE) return finish_close();
  if (piece.opcode == WSLAY_PING) {
    payload_ = control_;
    return Event::kPing;
  }
  if (piece.fin == 0) return Event::kNone;
  if (message_kind_ == Event::kText && !utf8_.complete()) return fail(CloseCode::kInvalidPayload);
  payload_ = message_;
  return std::exchange(message_kind_, Event::kNone);
}

// Section 5.5.1: nothing, or a code and a reason.
Event WebSocketReader::finish_close() {
  payload_ = std::string_view(control_).substr(0, 2);
  if (payload_.empty()) return Event::kClose;
  if (payload_.size() == 1) return fail(CloseCode::kProtocolError);
  const unsigned code =
      static_cast<unsigned char>(payload_[0]) * 256U + static_cast<unsigned char>(payload_[1]);
  if (!may_be_sent(code)) return fail(CloseCode::kProtocolError);
  Utf8Scan reason;
  if (!reason.accept(std::string_view(control_).substr(2)) || !reason.complete()) {
    return fail(CloseCode::kInvalidPayload);
  }
  return Event::kClose;
}

Event WebSocketReader::fail(CloseCode why) {
  failed_ = true;
  failure_ = why;
  return Event::kFailed;
}

bool WebSocketReader::is_idle() const {
  return unfinished_bytes_ == 0 && message_kind_ == Event::kNone;
}

}  // namespace bide
