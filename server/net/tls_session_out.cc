// The half of server/net/tls_session.h that sends.
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "server/net/tls_session.h"

namespace bide {
namespace {

using Type = TlsTraffic::Type;

// RFC 8446 section 4.6.3: new keys, and the client's are not asked for.
constexpr std::string_view kKeyUpdate("\x18\0\0\1\0", 5);

// Pieces that are read as if they were one.
class Plain {
 public:
  explicit Plain(std::span<const std::string_view> pieces) : left_(pieces) { skip(0); }

  void skip(std::size_t bytes) {
    while (!left_.empty() && bytes >= left_.front().size() - begin_) {
      bytes -= left_.front().size() - begin_;
      left_ = left_.subspan(1);
      begin_ = 0;
    }
    begin_ += bytes;
  }

  // The next record's worth, `bytes_max` at most; gathered where it does not lie in one piece.
  [[nodiscard]] std::string_view record(std::size_t bytes_max) const {
    if (left_.empty()) return {};
    const std::string_view first = left_.front().substr(begin_);
    if (first.size() >= bytes_max || left_.size() == 1) return first.substr(0, bytes_max);
    thread_local std::array<char, TlsTraffic::kPlainBytesMax> gathered;
    std::size_t size = first.copy(gathered.data(), bytes_max);
    for (const std::string_view piece : left_.subspan(1)) {
      size += piece.copy(gathered.data() + size, bytes_max - size);
      if (size == bytes_max) break;
    }
    return {gathered.data(), size};
  }

 private:
  std::span<const std::string_view> left_;
  std::size_t begin_ = 0;  // Of the first one: this much has been read.
};

}  // namespace

void TlsSession::append_key_update(std::string& out) {
  keys_->out.seal(Type::kHandshake, kKeyUpdate, out);
  keys_->out.update();
  key_update_due_ = false;
}

void TlsSession::append_alert(TlsAlert alert, std::string& out) {
  const bool fatal = alert != TlsAlert::kCloseNotify && alert != TlsAlert::kNoRenegotiation;
  const std::array<char, 2> bytes = {static_cast<char>(fatal ? 2 : 1), static_cast<char>(alert)};
  keys_->out.seal(Type::kAlert, {bytes.data(), bytes.size()}, out);
}

void TlsSession::fail(TlsAlert alert) {
  append_alert(alert, unsent_);
  (void)flush();
  broken_ = true;
}

std::size_t TlsSession::put(std::string_view wire) {
  const ssize_t sent = ::send(fd_, wire.data(), wire.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno != EAGAIN && errno != EINTR) broken_ = true;
  return 0;
}

bool TlsSession::flush() {
  if (unsent_.empty()) return !broken_;
  const std::size_t sent = put(unsent_);
  if (sent == unsent_.size()) {
    std::string().swap(unsent_);
  } else {
    unsent_.erase(0, sent);
  }
  return !broken_ && unsent_.empty();
}

ssize_t TlsSession::transmit(std::span<const std::string_view> pieces) {
  if (!flush()) return broken_ ? -1 : 0;
  Plain plain(pieces);
  std::size_t taken = std::exchange(stuck_bytes_, 0);
  plain.skip(taken);
  thread_local std::string wire;
  for (;;) {
    const std::string_view piece = plain.record(keys_->plain_bytes_max);
    if (piece.empty()) return static_cast<ssize_t>(taken);
    wire.clear();
    if (key_update_due_ || (keys_->out.is_1_3() && keys_->out.is_worn())) append_key_update(wire);
    keys_->out.seal(Type::kData, piece, wire);
    const std::size_t sent = put(wire);
    if (broken_) return -1;
    if (sent < wire.size()) {
      unsent_ = wire.substr(sent);
      stuck_bytes_ = static_cast<std::uint16_t>(piece.size());
      return static_cast<ssize_t>(taken);
    }
    barren_records_ = 0;
    taken += piece.size();
    plain.skip(piece.size());
  }
}

bool TlsSession::say_end() {
  if (broken_ || handshake_ != nullptr) return true;
  if (!end_said_) append_alert(TlsAlert::kCloseNotify, unsent_);
  end_said_ = true;
  return flush() || broken_;
}

}  // namespace bide
