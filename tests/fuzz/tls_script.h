// tests/fuzz/tls_script.h: What a TLS client sends after its handshake, good records and bad, and
// what a server has to make of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/net/tls_handshake.h"

namespace bide::fuzz {

class TlsScript {
 public:
  enum class State : std::uint8_t {
    kOpen,
    kEnded,
    kBroken,
    kUnsure,  // It waits, or has found out: no data comes any more in either case.
  };
  // The server gets this, and then has something to say itself.
  struct Turn {
    std::string wire;
    std::size_t answer_bytes = 0;
    bool fin = false;
  };

  // `described`: records, each as (how, type, number, length, bytes); what is missing is nought.
  TlsScript(const TlsKeys& keys, std::string_view described);

  [[nodiscard]] const std::vector<Turn>& turns() const { return turns_; }
  [[nodiscard]] State state() const { return state_; }
  // What of all that is data.
  [[nodiscard]] const std::string& data() const { return data_; }
  // What the server says, a record's type in front of each (records of data that follow each other
  // count as one), up to where it gets unsure or the script ends.
  [[nodiscard]] const std::vector<std::string>& said() const { return said_; }
  // The server owes new keys before its next data.
  [[nodiscard]] bool update_due() const { return update_due_; }

 private:
  enum How : std::uint8_t {
    kTouched = 6,  // One bit of it, at `number`.
    kKept,         // Sealed, and not sent.
    kRepeated,     // The one before, instead.
    kPlain,        // Not sealed.
    kCut,          // `number` and one bytes are missing at its end, and do not follow.
    kAnswered,     // And the server says something of `number` times eight bytes.
    kLong,         // About as much as a record takes; `number` more.
    kLast,         // With a FIN.
    kForgetful,    // New keys are told of, and not used.
  };
  using Type = TlsTraffic::Type;

  void say(std::uint8_t how, Type type, std::size_t number, std::string bytes);
  [[nodiscard]] std::string sealed(Type type, const std::string& bytes, std::size_t padding);
  void send(std::string_view bytes);
  void answer(std::size_t bytes);
  // What the server makes of it.
  void take(std::string_view record, Type type, std::string bytes);
  void take_content(Type type, std::string_view bytes);
  void take_handshake_message(std::string_view bytes);
  [[nodiscard]] bool is_too_long(std::string_view record) const;
  void refuse(TlsAlert alert);
  void refuse_forgery(std::string_view record);

  TlsTraffic out_;
  bool is_1_3_;
  std::size_t overhead_bytes_;  // Of a sealed record without its header and type.
  bool in_step_ = true;         // The server expects the next record to be sealed as it will be.
  bool forgetful_ = false;
  std::string last_;
  std::optional<char> missing_;  // What would go on with the record that was cut just before.
  int barren_ = 0;
  bool update_due_ = false;
  std::vector<Turn> turns_;
  State state_ = State::kOpen;
  std::string data_;
  std::vector<std::string> said_;
};

// The bytes of an answer: known by where they stand.
inline std::string answer_text(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + i % 26);
  return text;
}

// One more record's content for what was said.
inline void append_said(std::vector<std::string>& said, TlsTraffic::Type type,
                        std::string_view bytes) {
  const char tag = static_cast<char>(type);
  const bool goes_on = type == TlsTraffic::Type::kData && !said.empty() && said.back()[0] == tag;
  if (!goes_on) said.emplace_back(1, tag);
  said.back() += bytes;
}

}  // namespace bide::fuzz
