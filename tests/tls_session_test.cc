// Records to and from a session whose handshake is over; its client is the other end of a pair of
// sockets that says what it likes.
#include "server/tls_session.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tls_suites.h"

namespace bide {
namespace {

using testing::keys_of_every_suite;
using Type = TlsTraffic::Type;

const std::string kUpdate("\x18\0\0\1\0", 5);
const std::string kUpdateBoth("\x18\0\0\1\1", 5);

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
      const auto size = in.record_bytes(left);
      REQUIRE(size);
      const auto opened = in.open(left.first(*size));
      REQUIRE(opened);
      const std::string bytes(opened->bytes.data(), opened->bytes.size());
      all.push_back(std::to_string(static_cast<int>(opened->type)) + ' ' + bytes);
      if (opened->type == Type::kHandshake) in.update();
      left = left.subspan(*size);
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

}  // namespace

TEST_CASE("tls_session: what is sent comes through, either way, and close_notify ends it") {
  for (const TlsKeys& keys : keys_of_every_suite()) {
    Talk talk(keys);
    talk.send(talk.sealed(Type::kData, "ask") + talk.sealed(Type::kAlert, {"\1\0", 2}));
    talk.send(talk.sealed(Type::kData, "behind the end"));
    CHECK(talk.received() == "ask");
    CHECK(talk.session.ended());
    CHECK(talk.session.transmit("ans", "we", "r") == 6);
    CHECK(talk.session.say_end());
    CHECK(talk.answers() == Said{"23 answer", alert(0, 1)});
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
