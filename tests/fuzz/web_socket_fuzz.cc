// A WebSocket's server side: cuts do not matter, nothing unmasked is heard, what is sent has a
// bound, and nothing follows a close frame.
//
// Input: a byte that decides the cuts; its lowest bit says what follows: bytes as a client sends
// them, or frames to be masked, as (first byte, length, payload).
#include <algorithm>
#include <string>
#include <vector>

#include "server/websocket/web_socket.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/server/websocket/web_socket_client.h"

using namespace bide;
using namespace bide::fuzz;

namespace {

struct Talk {
  std::vector<std::string> messages;  // With `t` or `b` in front.
  std::string out;
  WebSocket::State state = WebSocket::State::kOpen;
  bool idle = true;
  bool operator==(const Talk&) const = default;
};

Talk talk(const std::vector<std::string_view>& reads) {
  Talk result;
  WebSocket socket;
  const auto note = [&](std::string_view payload, bool binary) {
    result.messages.push_back((binary ? 'b' : 't') + std::string(payload));
  };
  for (const std::string_view read : reads) {
    const std::size_t before = result.out.size();
    const bool closed = result.state == WebSocket::State::kClosed;
    result.state = socket.receive(read, result.out, note);
    demand(result.state == socket.state(), "the state is told");
    demand(!closed || result.out.size() == before, "nothing is said once closed");
  }
  result.idle = socket.is_idle();
  return result;
}

std::string masked_frames(std::string_view described) {
  std::string frames;
  while (described.size() >= 2) {
    const auto first = static_cast<unsigned char>(described[0]);
    const std::string_view payload = described.substr(2, static_cast<unsigned char>(described[1]));
    frames += client_frame(first & 0x0FU, payload,
                           {.fin = (first & 0x80U) != 0, .reserved = first >> 4U & 7U});
    described.remove_prefix(2 + payload.size());
  }
  return frames;
}

// Payload bytes of the masked frames before the first that has no mask or closes.
std::size_t bytes_heard_at_most(std::string_view stream) {
  std::size_t heard = 0;
  while (stream.size() >= 2) {
    const auto opcode = static_cast<unsigned char>(stream[0]) & 0x0FU;
    const auto second = static_cast<unsigned char>(stream[1]);
    if ((second & 0x80U) == 0 || opcode == 8) return heard;
    std::uint64_t length = second & 0x7FU;
    const std::size_t length_bytes = length < 126 ? 0 : length == 126 ? 2 : 8;
    const std::size_t head = 2 + length_bytes + 4;
    if (stream.size() < head) return heard;
    if (length_bytes > 0) length = 0;
    for (std::size_t i = 2; i < 2 + length_bytes; ++i) {
      length = length << 8U | static_cast<unsigned char>(stream[i]);
    }
    const std::uint64_t here = std::min<std::uint64_t>(length, stream.size() - head);
    heard += here;
    stream.remove_prefix(head + here);
  }
  return heard;
}

// One character of UTF-8 (RFC 3629) off the front; false: none.
bool take_character(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const std::size_t bytes = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if ((first >= 0x80 && first < 0xC0) || first > 0xF4 || text.size() < bytes) return false;
  char32_t character = bytes == 1 ? first : first & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return false;
    character = character << 6U | (byte(i) & 0x3FU);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (character < kSmallest[bytes] || character > 0x10FFFF) return false;
  if (character >= 0xD800 && character <= 0xDFFF) return false;
  text.remove_prefix(bytes);
  return true;
}

void check_messages(const Talk& talk, std::string_view stream) {
  std::size_t bytes = 0;
  for (const std::string& message : talk.messages) {
    bytes += message.size() - 1;
    demand(message.size() - 1 <= WebSocket::kMessageBytesMax, "a message's size");
    if (message[0] == 'b') continue;
    std::string_view text = std::string_view(message).substr(1);
    while (!text.empty()) demand(take_character(text), "text is UTF-8");
  }
  demand(bytes <= bytes_heard_at_most(stream), "only what is masked is heard");
}

void check_sent(const Talk& talk, std::string_view stream) {
  constexpr std::size_t kCloseBytes = 4;
  demand(talk.out.size() <= stream.size() + kCloseBytes, "what is sent has a bound");
  const bool closed = talk.state == WebSocket::State::kClosed;
  const auto frames = server_frames(talk.out);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const bool last = i + 1 == frames.size();
    const Opcode expected = closed && last ? Opcode::kClose : Opcode::kPong;
    demand(frames[i].fin && frames[i].opcode == expected, "pongs, and a close frame at the end");
  }
  demand(!closed || !frames.empty(), "it does not close without a word");
  demand(!closed || talk.idle, "nothing is kept once closed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string stream(text_of(data + 1, size - 1));
  if ((data[0] & 1U) != 0) stream = masked_frames(stream);
  const Talk whole = talk({stream});
  demand(talk(cut(stream, data[0])) == whole, "pieces give the same as the whole");
  if (stream.size() <= 512) demand(talk(bytewise(stream)) == whole, "bytes, too");
  check_messages(whole, stream);
  check_sent(whole, stream);
  return 0;
}
