// tests/server/websocket/web_socket_client.h: The client's side of a WebSocket, as bytes: makes
// frames, right and wrong ones, and takes the server's apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bide {

// The key of RFC 6455 section 1.3; it is answered with s3pPLMBiTxaQ9kYGzzhZRbK+xOo=.
inline constexpr std::string_view kSampleKey = "dGhlIHNhbXBsZSBub25jZQ==";

// A good opening handshake. `fields`: more of them, each ended by CR LF.
inline std::string upgrade_request(std::string_view target, std::string_view fields = {}) {
  return "GET " + std::string(target) +
         " HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
         std::string(kSampleKey) + "\r\n" + std::string(fields) + "\r\n";
}

enum class Opcode : std::uint8_t {
  kContinuation = 0x0,
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xA
};

inline constexpr std::uint64_t kAsManyAsThereAre = ~std::uint64_t{0};

// What of a frame is not in its payload. The defaults are those of a whole, good frame.
struct FrameHead {
  bool fin = true;
  unsigned reserved = 0;  // RSV1 is 4, RSV2 is 2, RSV3 is 1.
  bool masked = true;
  std::string_view mask_key = "\x37\xfa\x21\x3d";
  std::uint64_t announced_bytes = kAsManyAsThereAre;
  unsigned length_bytes = 0;  // 2 or 8; 0: the shortest form.
};

inline std::string client_frame(unsigned opcode, std::string_view payload, FrameHead head = {}) {
  const std::uint64_t bytes =
      head.announced_bytes == kAsManyAsThereAre ? payload.size() : head.announced_bytes;
  unsigned length_bytes = head.length_bytes;
  if (length_bytes == 0) length_bytes = bytes < 126 ? 0 : bytes < 65'536 ? 2 : 8;
  const unsigned length = length_bytes == 0   ? static_cast<unsigned>(bytes)
                          : length_bytes == 2 ? 126
                                              : 127;
  std::string frame;
  frame += static_cast<char>((head.fin ? 0x80U : 0U) | head.reserved << 4U | opcode);
  frame += static_cast<char>((head.masked ? 0x80U : 0U) | length);
  for (unsigned i = length_bytes; i > 0; --i) frame += static_cast<char>(bytes >> 8 * (i - 1));
  if (!head.masked) return frame.append(payload);
  frame += head.mask_key;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame += static_cast<char>(payload[i] ^ head.mask_key[i % 4]);
  }
  return frame;
}

inline std::string client_frame(Opcode opcode, std::string_view payload, FrameHead head = {}) {
  return client_frame(static_cast<unsigned>(opcode), payload, head);
}

// The message in fragments.
inline std::string client_fragments(Opcode kind, const std::vector<std::string_view>& pieces) {
  std::string frames;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    frames += client_frame(i == 0 ? kind : Opcode::kContinuation, pieces[i],
                           {.fin = i + 1 == pieces.size()});
  }
  return frames;
}

inline std::string close_payload(unsigned code, std::string_view reason = {}) {
  std::string payload = {static_cast<char>(code >> 8U), static_cast<char>(code)};
  return payload.append(reason);
}

inline std::string client_close(unsigned code, std::string_view reason = {}) {
  return client_frame(Opcode::kClose, close_payload(code, reason));
}

struct ServerFrame {
  Opcode opcode = Opcode::kContinuation;
  std::string payload;
  bool fin = true;
  bool operator==(const ServerFrame&) const = default;

  // Of a close frame; 0: it has none.
  unsigned close_code() const {
    if (opcode != Opcode::kClose || payload.size() < 2) return 0;
    return static_cast<unsigned char>(payload[0]) * 256U + static_cast<unsigned char>(payload[1]);
  }
};

// Takes the first frame off `bytes`; nullopt: it is not all there. Throws at what no server may
// send: a mask, reserved bits, a length that is not in its shortest form.
inline std::optional<ServerFrame> take_server_frame(std::string& bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() < 2) return std::nullopt;
  if ((byte(0) & 0x70U) != 0 || (byte(1) & 0x80U) != 0) {
    throw std::runtime_error("server frame: mask or reserved bits");
  }
  std::uint64_t payload_bytes = byte(1);
  const std::size_t length_bytes = payload_bytes < 126 ? 0 : payload_bytes == 126 ? 2 : 8;
  const std::size_t head_bytes = 2 + length_bytes;
  if (bytes.size() < head_bytes) return std::nullopt;
  if (length_bytes > 0) {
    payload_bytes = 0;
    for (std::size_t i = 2; i < head_bytes; ++i) payload_bytes = payload_bytes << 8U | byte(i);
    if (payload_bytes < (length_bytes == 2 ? 126U : 65'536U)) {
      throw std::runtime_error("server frame: length is not in its shortest form");
    }
  }
  if (bytes.size() - head_bytes < payload_bytes) return std::nullopt;
  ServerFrame frame{.opcode = static_cast<Opcode>(byte(0) & 0x0FU),
                    .payload = bytes.substr(head_bytes, payload_bytes),
                    .fin = (byte(0) & 0x80U) != 0};
  bytes.erase(0, head_bytes + payload_bytes);
  return frame;
}

// All of them; throws if the last is not whole.
inline std::vector<ServerFrame> server_frames(std::string bytes) {
  std::vector<ServerFrame> frames;
  while (auto frame = take_server_frame(bytes)) frames.push_back(*std::move(frame));
  if (!bytes.empty()) throw std::runtime_error("server frame: not whole");
  return frames;
}

}  // namespace bide
