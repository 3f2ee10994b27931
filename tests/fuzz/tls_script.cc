#include "tests/fuzz/tls_script.h"

#include <algorithm>
#include <utility>

namespace bide::fuzz {
namespace {

constexpr std::size_t kWireBytesMax = 90'000;
constexpr int kBarrenRecordsMax = 32;
constexpr std::string_view kKeyUpdateHead("\x18\0\0\1", 4);

std::size_t length_in(std::string_view record) {
  return static_cast<unsigned char>(record[3]) * 256UL + static_cast<unsigned char>(record[4]);
}

}  // namespace

TlsScript::TlsScript(const TlsKeys& keys, std::string_view described)
    : out_(keys.in), is_1_3_(out_.is_1_3()), turns_(1) {
  TlsTraffic probe = out_;
  std::string empty;
  probe.seal(Type::kData, "", empty);
  overhead_bytes_ = empty.size() - TlsTraffic::kHeaderBytes - (is_1_3_ ? 1 : 0);
  std::size_t wire_bytes = 0;
  while (!described.empty() && wire_bytes < kWireBytesMax && !turns_.back().fin) {
    const auto at = [&](std::size_t i) {
      return i < described.size() ? static_cast<unsigned char>(described[i]) : 0U;
    };
    const std::size_t before = turns_.back().wire.size();
    const std::string_view bytes =
        described.substr(std::min<std::size_t>(described.size(), 4), at(3));
    const std::size_t turn = turns_.size() - 1;
    say(at(0) & 15U, static_cast<Type>(at(1)), at(2), std::string(bytes));
    wire_bytes += turns_[turn].wire.size() - before;
    described.remove_prefix(std::min(described.size(), 4 + bytes.size()));
  }
}

void TlsScript::say(std::uint8_t how, Type type, std::size_t number, std::string bytes) {
  if (how == kRepeated) {
    send(last_);
    if (!last_.empty()) refuse_forgery(last_);
    return;
  }
  if (how == kPlain) {
    const std::string record =
        std::string{static_cast<char>(type), 3, 3, 0, static_cast<char>(bytes.size())} + bytes;
    send(record);
    return refuse_forgery(record);
  }
  if (how == kLong) bytes.resize(TlsTraffic::kPlainBytesMax - 128 + number + bytes.size(), 'x');
  const std::size_t padding = how < kTouched && is_1_3_ ? number : 0;
  std::string record = sealed(type, bytes, padding);
  if (how == kKept) {
    in_step_ = false;
    last_.clear();
    return;
  }
  if (how == kCut) {
    const std::size_t kept = record.size() - std::min(record.size(), number + 1);
    send(std::string_view(record).substr(0, kept));
    missing_ = record[kept];
    if (state_ == State::kOpen) state_ = State::kUnsure;
    return;
  }
  if (how == kTouched) {
    const std::size_t at = number % record.size();
    record[at] = static_cast<char>(record[at] ^ 1);
    send(record);
    if (at != 3 && at != 4) return refuse_forgery(record);
    if (state_ == State::kOpen) state_ = State::kUnsure;
    return;
  }
  last_ = record;
  forgetful_ = how == kForgetful;
  send(record);
  if (state_ == State::kOpen) take(record, type, std::move(bytes));
  if (how == kAnswered) answer(number * 8);
  if (how == kLast) {
    turns_.back().fin = true;
    if (state_ == State::kOpen) state_ = State::kEnded;
  }
}

// seal() puts the type last, which in TLS 1.3 may be a nought of the padding.
std::string TlsScript::sealed(Type type, const std::string& bytes, std::size_t padding) {
  std::string record;
  if (padding == 0) {
    out_.seal(type, bytes, record);
  } else {
    const std::string noughts(padding - 1, '\0');
    out_.seal(static_cast<Type>(0), bytes + static_cast<char>(type) + noughts, record);
  }
  return record;
}

// The type of the next record may be the last byte of a tag that was cut by one: nobody could tell
// that this one is not whole.
void TlsScript::send(std::string_view bytes) {
  if (bytes.empty()) return;
  std::string& wire = turns_.back().wire;
  wire += bytes;
  char& first = wire[wire.size() - bytes.size()];
  if (first == missing_) first = static_cast<char>(first ^ 1);
  missing_.reset();
}

void TlsScript::answer(std::size_t bytes) {
  if (state_ == State::kUnsure) return;
  turns_.back().answer_bytes = bytes;
  turns_.emplace_back();
  if (state_ == State::kBroken || bytes == 0) return;
  if (update_due_) append_said(said_, Type::kHandshake, std::string(kKeyUpdateHead) + '\0');
  append_said(said_, Type::kData, answer_text(bytes));
  update_due_ = false;
  barren_ = 0;
}

void TlsScript::refuse(TlsAlert alert) {
  if (state_ != State::kOpen) return;
  state_ = State::kBroken;
  append_said(said_, Type::kAlert, std::string{'\2', static_cast<char>(alert)});
}

bool TlsScript::is_too_long(std::string_view record) const {
  return length_in(record) > TlsTraffic::kPlainBytesMax + (is_1_3_ ? 256 : 2048);
}

// One whose tag cannot be right: its header alone may be wrong, too.
void TlsScript::refuse_forgery(std::string_view record) {
  const auto type = static_cast<Type>(record[0]);
  const bool known = is_1_3_ ? type == Type::kData : type >= Type::kAlert && type <= Type::kData;
  if (!known || record[1] != 3) return refuse(TlsAlert::kUnexpectedMessage);
  refuse(is_too_long(record) ? TlsAlert::kRecordOverflow : TlsAlert::kBadRecordMac);
}

void TlsScript::take(std::string_view record, Type type, std::string bytes) {
  const bool known = is_1_3_ || (type >= Type::kAlert && type <= Type::kData);
  if (!known || !in_step_ || is_too_long(record)) return refuse_forgery(record);
  if (length_in(record) - overhead_bytes_ > TlsTraffic::kPlainBytesMax + (is_1_3_ ? 1 : 0)) {
    return refuse(TlsAlert::kRecordOverflow);
  }
  if (is_1_3_ && type == static_cast<Type>(0)) {  // Padding itself.
    while (!bytes.empty() && bytes.back() == '\0') bytes.pop_back();
    if (bytes.empty()) return refuse(TlsAlert::kUnexpectedMessage);
    type = static_cast<Type>(bytes.back());
    bytes.pop_back();
  }
  take_content(type, bytes);
}

void TlsScript::take_content(Type type, std::string_view bytes) {
  if (type == Type::kData && !bytes.empty()) {
    barren_ = 0;
    data_ += bytes;
    return;
  }
  if (++barren_ > kBarrenRecordsMax) return refuse(TlsAlert::kUnexpectedMessage);
  if (type == Type::kData) return;
  if (type == Type::kHandshake) return take_handshake_message(bytes);
  if (type != Type::kAlert || bytes.size() != 2) return refuse(TlsAlert::kUnexpectedMessage);
  const auto alert = static_cast<TlsAlert>(bytes[1]);
  if (alert == TlsAlert::kCloseNotify) {
    state_ = State::kEnded;
  } else if (is_1_3_ ? alert != TlsAlert::kUserCanceled : bytes[0] != 1) {
    state_ = State::kBroken;
  }
}

void TlsScript::take_handshake_message(std::string_view bytes) {
  if (!is_1_3_ && bytes.starts_with('\1')) {
    return append_said(said_, Type::kAlert, {"\1\x64", 2});
  }
  if (!is_1_3_ || bytes.size() != 5 || !bytes.starts_with(kKeyUpdateHead)) {
    return refuse(TlsAlert::kUnexpectedMessage);
  }
  if (bytes[4] != 0 && bytes[4] != 1) return refuse(TlsAlert::kIllegalParameter);
  update_due_ |= bytes[4] == 1;
  if (forgetful_) {
    in_step_ = false;
  } else {
    out_.update();
  }
}

}  // namespace bide::fuzz
