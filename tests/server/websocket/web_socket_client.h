// tests/server/websocket/web_socket_client.h: The client's side of a WebSocket, as bytes: makes
// frames, right and wrong ones, and takes the server's apart.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bench/kit/web_socket_frames.h"

namespace bide {

using bench::client_frame;
using bench::FrameHead;
using bench::kSampleKey;
using bench::Opcode;

// A good opening handshake. `fields`: more of them, each ended by CR LF.
inline std::string upgrade_request(std::string_view target, std::string_view fields = {}) {
  return "GET " + std::string(target) +
         " HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
         std::string(kSampleKey) + "\r\n" + std::string(fields) + "\r\n";
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

// Takes the first frame off `bytes`, as bench::parse_server_frame() does.
inline std::optional<ServerFrame> take_server_frame(std::string& bytes) {
  const std::optional<bench::ServerFrame> found = bench::parse_server_frame(bytes);
  if (!found) return std::nullopt;
  ServerFrame frame{
      .opcode = found->opcode, .payload = std::string(found->payload), .fin = found->fin};
  bytes.erase(0, found->bytes);
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
