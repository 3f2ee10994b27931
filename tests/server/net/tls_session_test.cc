// Records to and from a session whose handshake is over; its client is the other end of a pair of
// sockets that says what it likes.
#include "server/net/tls_session.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/server/net/tls_suites.h"

namespace bide {
namespace {

using testing::keys_of_every_suite;
using Type = TlsTraffic::Type;

struct Sockets {
  Sockets() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0); }
  ~Sockets() {
    for (const int end : ends) ::close(end);
  }
  std::array<int, 2> ends{};
};

struct Talk : Sockets {
  explicit Talk(const TlsKeys& keys) : session(keys, ends[0]), out(keys.in), in(keys.out) {}

  std::string sealed(Type type, std::string_view bytes) {
    std::string record;
    out.seal(type, bytes, record);
    return record;
  }
  void send(std::string_view bytes) const {
    REQUIRE(::send(ends[1], bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  }
  // Until there is nothing more for now.
  std::string received() {
    std::array<char, 4096> buffer;
    std::string all;
    do {
      const ssize_t got = session.receive(buffer);
      if (got > 0) all.append(buffer.data(), static_cast<std::size_t>(got));
    } while (session.has_more());
    return all;
  }
  // What the server has sent since, a record a line: its type, and the bytes.
  std::vector<std::string> answers() {
    std::array<char, 65536> buffer;
    const ssize_t got = ::recv(ends[1], buffer.data(), buffer.size(), MSG_DONTWAIT);
    std::span<char> left(buffer.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
    std::vector<std::string> all;
    while (!left.empty()) {
      const auto record = testing::take_record(in, left);
      REQUIRE(record);
      const std::string bytes(record->bytes.data(), record->bytes.size());
      all.push_back(std::to_string(static_cast<int>(record->type)) + ' ' + bytes);
      if (record->type == Type::kHandshake) in.update();
    }
    return all;
  }

  TlsSession session;
  TlsTraffic out;
  TlsTraffic in;
};

std::string alert(int number, int level = 2) {
  return {'2', '1', ' ', static_cast<char>(level), static_cast<char>(number)};
}
using Said = std::vector<std::string>;

// A record's header, of so many bytes.
std::string header(char type, std::size_t bytes) {
  return {type, 3, 3, static_cast<char>(bytes >> 8), static_cast<char>(bytes)};
}
// As the sender of TLS 1.3 may pad it; seal() puts the last nought behind it.
std::string padded(std::string_view bytes, Type type, std::size_t noughts) {
  return std::string(bytes) + static_cast<char>(type) + std::string(noughts - 1, '\0');
}
constexpr auto kPadded = static_cast<Type>(0);

// What was before a bad record is received, nothing that is behind it, and the client is told why.
void check_refused(Talk& talk, const std::string& bad, TlsAlert why) {
  const std::string before = talk.sealed(Type::kData, "before");
  talk.send(before + bad + before);
  CHECK(talk.received() == "before");
  CHECK(talk.session.broken());
  CHECK(talk.session.peek() == -1);
  CHECK(errno == ECONNRESET);
  CHECK(talk.session.transmit(std::array<std::string_view, 3>{"too late", "", ""}) == -1);
  CHECK(talk.session.say_end());
  CHECK(talk.answers() == Said{alert(static_cast<int>(why))});
}

}  // namespace

TEST_CASE("tls_session: what is sent comes through, either way, and close_notify ends it") {
  for (const TlsKeys& keys : keys_of_every_suite()) {
    Talk talk(keys);
    talk.send(talk.sealed(Type::kData, "ask"));
    talk.send(talk.sealed(Type::kAlert, {"\1\0", 2}));
    talk.send(talk.sealed(Type::kData, "behind the end"));
    CHECK(talk.received() == "ask");
    CHECK(talk.session.ended());
    CHECK(talk.session.transmit(std::array<std::string_view, 3>{"ans", "we", "r"}) == 6);
    CHECK(talk.session.say_end());
    CHECK(talk.answers() == Said{"23 answer", alert(0, 1)});
  }
}

TEST_CASE("tls_session: what is no record of its client's is refused, with the alert for that") {
  for (const TlsKeys& keys : keys_of_every_suite()) {
    const auto refused = [&](const std::string& bad, TlsAlert why) {
      Talk talk(keys);
      check_refused(talk, bad, why);
    };
    const bool is_1_3 = keys.in.is_1_3();
    refused(header(23, 16'384 + (is_1_3 ? 256 : 2048) + 1), TlsAlert::kRecordOverflow);
    refused(header(23, 16) + std::string(16, 'x'), TlsAlert::kBadRecordMac);
    refused(header(23, 40) + std::string(40, 'x'), TlsAlert::kBadRecordMac);
    refused(header(20, 1) + '\1', TlsAlert::kUnexpectedMessage);
    refused(header(20, 40) + std::string(40, 'x'), TlsAlert::kUnexpectedMessage);
    refused(header(24, 40) + std::string(40, 'x'), TlsAlert::kUnexpectedMessage);
    refused(header(21, 2) + std::string("\1\0", 2),
            is_1_3 ? TlsAlert::kUnexpectedMessage : TlsAlert::kBadRecordMac);
  }
}

TEST_CASE("tls_session: of a record that is genuine, but wrong, the client is told why it is") {
  for (const TlsKeys& keys : keys_of_every_suite()) {
    const auto refused = [&](Type type, const std::string& bytes, TlsAlert why) {
      Talk talk(keys);
      // Sealed as the second: the first is what comes before it.
      TlsTraffic later = keys.in;
      std::string bad;
      later.seal(Type::kData, "before", bad);
      bad.clear();
      later.seal(type, bytes, bad);
      check_refused(talk, bad, why);
    };
    refused(Type::kData, std::string(16'385, 'x'), TlsAlert::kRecordOverflow);
    refused(Type::kHandshake, "\2", TlsAlert::kUnexpectedMessage);
    refused(Type::kHandshake, "", TlsAlert::kUnexpectedMessage);
    refused(Type::kAlert, "", TlsAlert::kUnexpectedMessage);
    if (!keys.in.is_1_3()) continue;
    refused(Type::kChangeCipherSpec, "\1", TlsAlert::kUnexpectedMessage);
    refused(kPadded, "", TlsAlert::kUnexpectedMessage);
    refused(kPadded, std::string(100, '\0'), TlsAlert::kUnexpectedMessage);
    refused(kPadded, padded("x", Type::kData, 16'384), TlsAlert::kRecordOverflow);
    refused(Type::kHandshake, std::string("\x18\0\0\1\2", 5), TlsAlert::kIllegalParameter);
  }
}

TEST_CASE(
    "tls_session: new keys of ours are asked for often, and come once, before the next data") {
  const std::string update("\x18\0\0\1", 4);
  for (const TlsKeys& keys : keys_of_every_suite()) {
    if (!keys.in.is_1_3()) continue;
    Talk talk(keys);
    const auto change_keys = [&](char ours_too) {
      talk.send(talk.sealed(Type::kHandshake, update + ours_too));
      talk.out.update();
    };
    change_keys(0);
    talk.send(talk.sealed(Type::kData, "one"));
    CHECK(talk.received() == "one");
    CHECK(talk.session.transmit(std::array<std::string_view, 3>{"two", "", ""}) == 3);
    CHECK(talk.answers() == Said{"23 two"});
    for (int i = 0; i < 10; ++i) change_keys(1);
    change_keys(0);
    CHECK(talk.received().empty());
    CHECK(talk.answers().empty());
    CHECK(talk.session.transmit(std::array<std::string_view, 3>{"three", "", ""}) == 5);
    CHECK(talk.session.transmit(std::array<std::string_view, 3>{"four", "", ""}) == 4);
    CHECK(talk.answers() == Said{"22 " + update + '\0', "23 three", "23 four"});
  }
}

TEST_CASE(
    "tls_session: who only sends records without data is cut, unless data goes the other way") {
  constexpr int kBarrenRecordsMax = 32;
  const std::string user_canceled = "\1\x5a";
  const std::string update("\x18\0\0\1\0", 5);
  for (const TlsKeys& keys : keys_of_every_suite()) {
    const std::string handshake = keys.in.is_1_3() ? update : "\1";
    const std::pair<Type, std::string> kinds[] = {
        {Type::kData, ""}, {Type::kAlert, user_canceled}, {Type::kHandshake, handshake}};
    for (const auto& barren : kinds) {
      Talk talk(keys);
      const auto is_let_be = [&](int count) {
        for (int i = 0; i < count; ++i) {
          talk.send(talk.sealed(barren.first, barren.second));
          if (barren.second == update) talk.out.update();
        }
        CHECK(talk.received().empty());
        return !talk.session.broken();
      };
      CHECK(is_let_be(kBarrenRecordsMax));
      talk.send(talk.sealed(Type::kData, "x"));
      CHECK(talk.received() == "x");
      CHECK(is_let_be(kBarrenRecordsMax));
      CHECK(talk.session.transmit(std::array<std::string_view, 3>{"x", "", ""}) == 1);
      CHECK(is_let_be(kBarrenRecordsMax));
      CHECK_FALSE(is_let_be(1));
      CHECK(talk.answers().back() == alert(10));
    }
  }
}

TEST_CASE("tls_session: worn keys are changed before the next data, or in 1.2 told of") {
  const std::string update("\x18\0\0\1\0", 5);
  for (TlsKeys keys : keys_of_every_suite()) {
    CHECK_FALSE(Talk(keys).session.is_worn());
    std::string record;
    while (!keys.out.is_worn()) {
      record.clear();
      keys.out.seal(Type::kData, "x", record);
    }
    Talk talk(keys);
    CHECK(talk.session.is_worn() == !keys.out.is_1_3());
    CHECK(talk.session.transmit(std::array<std::string_view, 3>{"more", "", ""}) == 4);
    const Said changed = {"22 " + update, "23 more"};
    CHECK(talk.answers() == (keys.out.is_1_3() ? changed : Said{"23 more"}));
  }
}

TEST_CASE("tls_session: padding is no data") {
  for (const TlsKeys& keys : keys_of_every_suite()) {
    if (!keys.in.is_1_3()) continue;
    Talk talk(keys);
    talk.send(talk.sealed(kPadded, padded("some", Type::kData, 1)));
    talk.send(talk.sealed(kPadded, padded("", Type::kData, 100)));
    talk.send(talk.sealed(kPadded, padded("thing", Type::kData, 16'379)));
    CHECK(talk.received() == "something");
    CHECK_FALSE(talk.session.broken());
  }
}

TEST_CASE("tls_session: half a record at the end is none") {
  for (const TlsKeys& keys : keys_of_every_suite()) {
    Talk talk(keys);
    const std::string first = talk.sealed(Type::kData, "first");
    talk.send(first + talk.sealed(Type::kData, "second").substr(0, 20));
    ::shutdown(talk.ends[1], SHUT_WR);
    CHECK(talk.received() == "first");
    CHECK(talk.session.peek() == 0);
    CHECK(talk.session.ended());
  }
}

}  // namespace bide
