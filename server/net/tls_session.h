// server/net/tls_session.h: TLS on one connection's non-blocking socket, the server's side: a
// handshake, and then records.
//
// Nothing here waits. What a call cannot finish because the socket has nothing, or no room, is gone
// on with by the next one; the caller rests the connection in between. Epoll tells of sockets only:
// input that has been read from the socket and not been taken is told of by has_more() and
// drained().
//
// Records that carry no data are dealt with by receive() and peek(): new keys (RFC 8446 section
// 4.6.3; asked for ours, too, we change them before our next data), close_notify. An offer to
// renegotiate (TLS 1.2) is declined. What else a client might say after the handshake is an error,
// and so is a long row of records without data.
//
// Memory: of a handshake, OpenSSL's 30 KB; then the keys, 250 bytes, and what is on its way: part
// of a record that has come, a record that the socket has not taken.
//
// Thread safety: none; belongs to its connection's owner.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "server/net/tls_handshake.h"
#include "server/net/tls_traffic.h"

namespace bide {

class TlsSession {
 public:
  using Step = TlsHandshake::Step;

  // `handshake` is on the socket `fd`.
  TlsSession(std::unique_ptr<TlsHandshake> handshake, int fd)
      : fd_(fd), handshake_(std::move(handshake)) {}
  // Of a handshake that is over: these are its keys.
  TlsSession(const TlsKeys& keys, int fd) : fd_(fd), keys_(keys) {}
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  [[nodiscard]] Step shake();
  // One line, of the latest Step::kFailed.
  [[nodiscard]] std::string trouble() const;
  // The handshake has to send something, and the socket had no room.
  [[nodiscard]] bool wants_room() const {
    return handshake_ != nullptr && handshake_->wants_room();
  }

  // All below after Step::kDone. As recv(2): 0 is the client's close_notify or FIN; -1 with errno
  // EAGAIN: nothing more now; any other errno: broken for good, and the client was told why.
  [[nodiscard]] ssize_t receive(std::span<char> buffer);
  // 1: data waits to be received, else as receive().
  [[nodiscard]] int peek();
  // The last call stopped although there may be more: no event will tell of it.
  [[nodiscard]] bool has_more() const { return has_more_; }
  // The client has said that nothing follows. Data before that may still be here.
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool broken() const { return broken_; }
  // No data waits to be received: whatever the socket brings may be news.
  [[nodiscard]] bool drained() const { return plain_.empty(); }

  // Of records that are not complete, or not received.
  [[nodiscard]] std::size_t kept_bytes() const { return sealed_.size() + plain_.size(); }

  // Our keys have been used enough, and TLS 1.2 has no way to change them: end it soon.
  [[nodiscard]] bool is_worn() const { return !keys_->out.is_1_3() && keys_->out.is_worn(); }

  // Sends the pieces as if they were one. Bytes taken; a record that the socket took part of is not
  // among them: what was not taken must be offered again, and may have grown. -1: broken.
  [[nodiscard]] ssize_t transmit(std::span<const std::string_view> pieces);
  // Sends close_notify. False: the socket has no room; call again. Nothing may follow.
  [[nodiscard]] bool say_end();

  // The front's note: whether epoll was asked to tell of room.
  bool watched_for_room = false;

 private:
  // Takes records until there is as much data as `room`, or nothing more for now.
  void take_records(std::size_t room);
  [[nodiscard]] bool is_satisfied(std::size_t room) const;
  // The records that `input` begins with; the bytes taken of it.
  std::size_t open_records(std::span<char> input, std::size_t room);
  void take(const TlsTraffic::Opened& record);
  void take_alert(std::string_view bytes);
  void take_handshake_message(std::string_view bytes);
  void fail(TlsAlert alert);
  void append_alert(TlsAlert alert, std::string& out);
  void append_key_update(std::string& out);
  // Sends what waits to. False: some still does, or it is broken.
  [[nodiscard]] bool flush();
  // Bytes of `wire` that the socket took.
  std::size_t put(std::string_view wire);
  [[nodiscard]] ssize_t nothing_received() const;

  const int fd_;
  bool has_more_ = false;
  bool ended_ = false;
  bool broken_ = false;
  bool end_said_ = false;
  bool key_update_due_ = false;      // The client has asked for it.
  std::uint8_t barren_records_ = 0;  // Of the client's, in a row, since data went either way.
  std::uint16_t stuck_bytes_ = 0;    // Of data, in `unsent_`, that were not reported as taken.
  std::unique_ptr<TlsHandshake> handshake_;  // Null: done.
  std::optional<TlsKeys> keys_;
  std::string sealed_;  // Read, not opened: part of a record, or more than was asked for.
  std::string plain_;   // Opened, not received.
  std::string unsent_;  // Sealed; the socket has no room.
};

}  // namespace bide
