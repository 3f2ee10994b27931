#include "server/net/tls_session.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace bide {
namespace {

using Type = TlsTraffic::Type;

// What one call reads at most, in pieces of the first size: who sends nothing but new keys gets a
// turn, no more.
constexpr std::size_t kReadBytes = 32'768;
constexpr int kReadsPerCall = 2;
constexpr std::size_t kRecordBytesMax =
    TlsTraffic::kHeaderBytes + TlsTraffic::kPlainBytesMax + 2048;

// RFC 8446 section 4.6.3: a type, three bytes of length, and whether ours is asked for.
constexpr std::string_view kKeyUpdateHead("\x18\0\0\1", 4);
constexpr std::size_t kKeyUpdateBytes = 5;
constexpr char kClientHello = 1;
// Records without data in a row: empty ones, warnings, new keys. They keep a connection from idling
// and cost more to take than to send. OpenSSL and BoringSSL let as many empty ones be.
constexpr int kBarrenRecordsMax = 32;
// Answers that wait for a client that does not read: beyond it none is added, a later one will do.
constexpr std::size_t kUnsentBytesMax = kRecordBytesMax + 1024;

bool may_come_later() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

TlsSession::Step TlsSession::shake() {
  const Step step = handshake_->step();
  if (step != Step::kDone) return step;
  keys_ = handshake_->take_keys();
  if (!keys_) {
    broken_ = true;
    return Step::kFailed;
  }
  handshake_.reset();
  return step;
}

std::string TlsSession::trouble() const {
  const std::string trouble = handshake_ != nullptr ? handshake_->trouble() : "";
  return trouble.empty() ? "its keys could not be had" : trouble;
}

ssize_t TlsSession::nothing_received() const {
  if (!broken_ && ended_) return 0;
  errno = broken_ ? ECONNRESET : EAGAIN;
  return -1;
}

ssize_t TlsSession::receive(std::span<char> buffer) {
  take_records(buffer.size());
  const std::size_t got = plain_.copy(buffer.data(), buffer.size());
  if (got == 0) return nothing_received();
  if (got == plain_.size()) {
    std::string().swap(plain_);
  } else {
    plain_.erase(0, got);
  }
  has_more_ |= !plain_.empty();
  return static_cast<ssize_t>(got);
}

int TlsSession::peek() {
  take_records(1);
  return plain_.empty() ? static_cast<int>(nothing_received()) : 1;
}

void TlsSession::take_records(std::size_t room) {
  thread_local std::array<char, kRecordBytesMax + kReadBytes> buffer;
  std::size_t size = sealed_.copy(buffer.data(), sealed_.size());
  const auto open = [&] {
    const std::size_t opened = open_records({buffer.data(), size}, room);
    std::copy(buffer.data() + opened, buffer.data() + size, buffer.data());
    size -= opened;
  };
  open();
  bool more = true;
  for (int reads = 0; more && reads < kReadsPerCall && !is_satisfied(room); ++reads) {
    // What is here is less than a record. Of who is only looked at no more than that is taken.
    const std::size_t most = room == 1 ? kRecordBytesMax - size : kReadBytes;
    const ssize_t got = ::recv(fd_, buffer.data() + size, most, MSG_DONTWAIT);
    // The next event tells of what comes after a read that was not filled.
    more = got == static_cast<ssize_t>(most);
    if (got < 0 && may_come_later()) break;
    ended_ = got <= 0;
    broken_ |= got < 0;
    if (got > 0) size += static_cast<std::size_t>(got);
    open();
  }
  has_more_ = !broken_ && !ended_ && (more || plain_.size() >= room);
  sealed_.assign(buffer.data(), ended_ || broken_ ? 0 : size);
  if (sealed_.empty()) std::string().swap(sealed_);
}

bool TlsSession::is_satisfied(std::size_t room) const {
  return broken_ || ended_ || plain_.size() >= room;
}

std::size_t TlsSession::open_records(std::span<char> input, std::size_t room) {
  std::size_t taken = 0;
  while (!is_satisfied(room) && input.size() >= TlsTraffic::kHeaderBytes) {
    const auto judged = keys_->in.record_bytes(input);
    if (const auto* const alert = std::get_if<TlsAlert>(&judged)) {
      fail(*alert);
      break;
    }
    const std::size_t size = std::get<std::size_t>(judged);
    if (size > input.size()) break;
    const auto opened = keys_->in.open(input.first(size));
    if (const auto* const alert = std::get_if<TlsAlert>(&opened)) {
      fail(*alert);
      break;
    }
    take(std::get<TlsTraffic::Opened>(opened));
    taken += size;
    input = input.subspan(size);
  }
  return taken;
}

void TlsSession::take(const TlsTraffic::Opened& record) {
  const std::string_view bytes(record.bytes.data(), record.bytes.size());
  if (record.type == Type::kData && !bytes.empty()) {
    barren_records_ = 0;
  } else if (++barren_records_ > kBarrenRecordsMax) {
    return fail(TlsAlert::kUnexpectedMessage);
  }
  switch (record.type) {
    case Type::kData:
      plain_ += bytes;
      return;
    case Type::kAlert:
      return take_alert(bytes);
    case Type::kHandshake:
      return take_handshake_message(bytes);
    case Type::kChangeCipherSpec:
      break;
  }
  fail(TlsAlert::kUnexpectedMessage);
}

void TlsSession::take_alert(std::string_view bytes) {
  constexpr char kWarning = 1;
  if (bytes.size() != 2) return fail(TlsAlert::kUnexpectedMessage);
  const auto alert = static_cast<TlsAlert>(bytes[1]);
  if (alert == TlsAlert::kCloseNotify) {
    ended_ = true;
  } else if (keys_->in.is_1_3() ? alert != TlsAlert::kUserCanceled : bytes[0] != kWarning) {
    broken_ = true;
  }
}

// Who asks for our new keys gets them with the next data, once, however often it asks: who only
// asks is sent nothing (RFC 8446 section 4.6.3). Declining is left out while answers wait for room:
// memory has a bound.
void TlsSession::take_handshake_message(std::string_view bytes) {
  const bool is_1_3 = keys_->in.is_1_3();
  if (is_1_3 && bytes.size() == kKeyUpdateBytes && bytes.starts_with(kKeyUpdateHead)) {
    if (bytes.back() != 0 && bytes.back() != 1) return fail(TlsAlert::kIllegalParameter);
    keys_->in.update();
    key_update_due_ |= bytes.back() == 1;
  } else if (!is_1_3 && bytes.starts_with(kClientHello)) {
    if (unsent_.size() < kUnsentBytesMax) append_alert(TlsAlert::kNoRenegotiation, unsent_);
    (void)flush();
  } else {
    fail(TlsAlert::kUnexpectedMessage);
  }
}

}  // namespace bide
