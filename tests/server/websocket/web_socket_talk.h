// tests/server/websocket/web_socket_talk.h: Lets a client talk to a WebSocket, cut into reads as
// one likes, and writes down what came of it.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "server/websocket/web_socket.h"
#include "tests/server/websocket/web_socket_client.h"

namespace bide {

struct Talk {
  std::vector<std::string> messages;  // Binary ones begin with `binary:`.
  std::string out;
  WebSocket::State state = WebSocket::State::kOpen;
  bool idle = true;

  bool operator==(const Talk&) const = default;
  std::vector<ServerFrame> frames() const { return server_frames(out); }
  // Of the close frame, which must be the last and only one. 0: there is none, or it has no code.
  unsigned close_code() const {
    unsigned code = 0;
    for (const ServerFrame& frame : frames()) {
      CHECK(code == 0);
      code = frame.close_code();
    }
    return code;
  }
};

inline Talk talk(WebSocket& socket, const std::vector<std::string_view>& reads) {
  Talk result;
  const auto note = [&](std::string_view payload, bool binary) {
    result.messages.push_back((binary ? "binary:" : "") + std::string(payload));
  };
  for (const std::string_view read : reads) result.state = socket.receive(read, result.out, note);
  CHECK(socket.state() == result.state);
  result.idle = socket.is_idle();
  return result;
}

inline Talk talk(const std::vector<std::string_view>& reads) {
  WebSocket socket;
  return talk(socket, reads);
}

inline Talk talk(std::string_view bytes) { return talk(std::vector<std::string_view>{bytes}); }

inline Talk talk_bytewise(std::string_view bytes) {
  std::vector<std::string_view> reads;
  for (std::size_t i = 0; i < bytes.size(); ++i) reads.push_back(bytes.substr(i, 1));
  return talk(reads);
}

// Cut nowhere, everywhere, and in two at each place: the same.
inline Talk talk_every_way(std::string_view bytes) {
  Talk whole = talk(bytes);
  CHECK(talk_bytewise(bytes) == whole);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    CHECK(talk({bytes.substr(0, cut), bytes.substr(cut)}) == whole);
  }
  return whole;
}

inline void check_fails(std::string_view bytes, unsigned code) {
  const Talk failed = talk_every_way(bytes);
  CHECK(failed.messages.empty());
  CHECK(failed.state == WebSocket::State::kClosed);
  CHECK(failed.frames().size() == 1);
  CHECK(failed.close_code() == code);
  CHECK(failed.idle);
}

inline const std::string kHello = client_frame(Opcode::kText, "Hello");

}  // namespace bide
