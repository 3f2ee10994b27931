// server/websocket/web_socket_stream.h: Records as WebSocket messages: one text frame each,
//
//   {"event":"job","id":"<opaque tag>","data":{...}}
//
// The client may send `{"auth":"<token>"}`, and the protocol's control frames. Any other message
// ends the connection with 1008.
//
// Thread safety: as Stream.
#pragma once

#include <memory>
#include <utility>

#include "server/http/stream.h"
#include "server/websocket/web_socket.h"

namespace bide {

class WebSocketStream final : public Stream {
 public:
  // `head`: of the handshake.
  explicit WebSocketStream(http::Response head = {})
      : head_(std::make_unique<http::Response>(std::move(head))) {}

  [[nodiscard]] http::Response take_head() override {
    return std::move(*std::exchange(head_, nullptr));
  }
  void wrap(const Record& record, std::string& head, std::string& tail) const override;
  [[nodiscard]] bool takes_lines() const override { return true; }
  // False: the client has not answered the last ping, or has been in the middle of a message since
  // the heartbeat before.
  [[nodiscard]] bool append_heartbeat(std::string& out) override;
  [[nodiscard]] std::chrono::seconds heartbeat() const override { return std::chrono::seconds(25); }
  void append_end(std::string& out, End why) override;
  [[nodiscard]] std::size_t kept_bytes() const override { return socket_.kept_bytes(); }
  [[nodiscard]] bool listens() const override { return true; }
  [[nodiscard]] bool receive(std::string_view bytes, std::string& out,
                             const OnToken& on_token) override;

 private:
  std::unique_ptr<http::Response> head_;  // Null once it is taken.
  WebSocket socket_;
  bool pinged_ = false;    // Since then nothing was heard.
  bool speaking_ = false;  // At the heartbeat before, it was in the middle of a message.
};

}  // namespace bide
