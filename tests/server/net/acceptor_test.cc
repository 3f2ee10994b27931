#include "server/net/acceptor.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <deque>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "core/base/start_error.h"
#include "server/api/protocols.h"
#include "tests/eventually.h"
#include "tests/scratch_dir.h"

namespace bide {
namespace {

using testing::eventually;
using testing::ScratchDir;

// Answers every request with `pong`.
struct Site {
  Site() { front.start(protocols.all(), 2); }
  ~Site() {
    acceptor.stop();
    front.drain(std::chrono::seconds(5));
    table.close();
    front.stop();
  }

  HttpMetrics metrics;
  AccessLogger access_logger{system_clock(), AccessLog::kOff};
  Front front{system_clock(), {}, metrics, access_logger};
  JobTable table{system_clock(), {}, &front.executor()};
  Protocols protocols{front, table, [](const http::Request&, Exchange& exchange) {
                        http::Response response;
                        response.status = 200;
                        response.set_content("pong", "text/plain");
                        exchange.send(response, "-");
                      }};
  Acceptor acceptor{front};
};

// Sends a request on a new connection.
class Ping {
 public:
  explicit Ping(const ListenAddress& to)
      : fd_(::socket(family(to), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{10, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_un local{};
    sockaddr_in tcp{};
    local.sun_family = AF_UNIX;
    to.path.copy(local.sun_path, sizeof local.sun_path - 1);
    tcp.sin_family = AF_INET;
    tcp.sin_port = htons(to.port);
    tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* const at = to.is_unix() ? reinterpret_cast<const sockaddr*>(&local)
                                        : reinterpret_cast<const sockaddr*>(&tcp);
    const socklen_t size = to.is_unix() ? sizeof local : sizeof tcp;
    const std::string_view text = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    connected_ = ::connect(fd_.get(), at, size) == 0 &&
                 ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) > 0;
  }
  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] bool is_answered() const {
    std::string all;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::recv(fd_.get(), buffer, sizeof buffer, 0)) > 0;) {
      all.append(buffer, static_cast<std::size_t>(n));
    }
    return all.ends_with("pong");
  }

 private:
  static int family(const ListenAddress& to) { return to.is_unix() ? AF_UNIX : AF_INET; }

  Descriptor fd_;
  bool connected_ = false;
};

// The descriptor that listens on this port. -1: none.
int find_listening(std::uint16_t port) {
  for (int fd = 3; fd < 256; ++fd) {
    int listens = 0;
    socklen_t size = sizeof listens;
    sockaddr_in at{};
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) continue;
    size = sizeof at;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    if (ntohs(at.sin_port) == port) return fd;
  }
  return -1;
}

ListenAddress any_port() { return {.host = "127.0.0.1"}; }

std::string refusal(const ListenAddress& address) {
  try {
    const Listener listener(address, 0600);
  } catch (const StartError& error) {
    return error.what();
  }
  return "";
}

mode_t mode_of(const std::string& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mode;
}

}  // namespace

TEST_CASE("acceptor: listens at several addresses, and closes nobody who has connected") {
  const ScratchDir dir;
  Site site;
  const std::vector<ListenAddress> addresses = {
      site.acceptor.listen(any_port()), site.acceptor.listen(any_port()),
      site.acceptor.listen({.path = dir.path() / "socket"})};
  CHECK(addresses[0].port != 0);
  CHECK(addresses[0].port != addresses[1].port);
  std::deque<Ping> pings;
  for (int i = 0; i < 300; ++i) pings.emplace_back(addresses[static_cast<std::size_t>(i) % 3]);
  site.acceptor.start();
  site.acceptor.stop();
  for (const Ping& ping : pings) CHECK(ping.is_answered());
  for (const ListenAddress& address : addresses) CHECK_FALSE(Ping(address).connected());
}

TEST_CASE("acceptor: a socket that was passed stays open for who listens next") {
  Site first;
  ListenAddress address = any_port();
  std::optional<Listener> manager(std::in_place, address, 0600);
  address = manager->address();
  address.passed_fd = manager->fd();
  first.acceptor.listen(address);
  first.acceptor.start();
  CHECK(Ping(address).is_answered());
  first.acceptor.stop();
  const Ping waits(address);
  CHECK(waits.connected());
  Site second;
  second.acceptor.listen(address);
  second.acceptor.start();
  CHECK(waits.is_answered());
}

TEST_CASE("acceptor: goes on when its socket was destroyed from outside") {
  Site site;
  const ListenAddress address = site.acceptor.listen(any_port());
  site.acceptor.start();
  CHECK(Ping(address).is_answered());
  const int fd = find_listening(address.port);
  REQUIRE(fd >= 0);
  ::shutdown(fd, SHUT_RDWR);
  CHECK(eventually([&] {
    const Ping ping(address);
    return ping.connected() && ping.is_answered();
  }));
}

TEST_CASE("acceptor: an address that cannot be had again does not stop the others") {
  Site site;
  const ListenAddress lost = site.acceptor.listen(any_port());
  const ListenAddress other = site.acceptor.listen(any_port());
  site.acceptor.start();
  // Another program takes the port as soon as it is free.
  std::optional<Listener> thief;
  REQUIRE(eventually([&] {
    const int fd = find_listening(lost.port);
    if (fd >= 0) {
      ::shutdown(fd, SHUT_RDWR);
      return false;
    }
    try {
      thief.emplace(lost, 0);
    } catch (const StartError&) {  // It was too late this time.
    }
    return thief.has_value();
  }));
  for (int i = 0; i < 20; ++i) CHECK(Ping(other).is_answered());
  thief.reset();
  CHECK(eventually([&] {
    const Ping ping(lost);
    return ping.connected() && ping.is_answered();
  }));
}

TEST_CASE("acceptor: what a passed descriptor must be") {
  const Descriptor file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Descriptor datagrams(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const Descriptor deaf(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  for (const int fd : {file.get(), datagrams.get(), deaf.get(), 12345}) {
    CHECK_THROWS_AS(static_cast<void>(passed_address(fd)), StartError);
  }
  const ScratchDir dir;
  const std::string path = dir.path() / "socket";
  const Listener tcp(any_port(), 0);
  const Listener local({.path = path}, 0600);
  CHECK(passed_address(tcp.fd()) ==
        ListenAddress{.host = "127.0.0.1", .port = tcp.address().port, .passed_fd = tcp.fd()});
  CHECK(passed_address(local.fd()) == ListenAddress{.path = path, .passed_fd = local.fd()});
}

TEST_CASE("listener: those who have connected stay when it turns away newcomers") {
  Listener listener({.host = "0.0.0.0"}, 0);
  const Ping early(listener.address());
  CHECK(early.connected());
  listener.turn_away_newcomers();
  const Descriptor late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(listener.address().port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::connect(late.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0);
  pollfd watched{late.get(), POLLOUT, 0};
  CHECK(::poll(&watched, 1, 100) == 0);  // Neither connected nor refused.
  const Descriptor accepted(::accept(listener.fd(), nullptr, nullptr));
  REQUIRE(accepted.get() >= 0);
  CHECK(::accept(listener.fd(), nullptr, nullptr) < 0);
  char buffer[256];
  CHECK(::recv(accepted.get(), buffer, sizeof buffer, 0) > 0);
  CHECK(::send(accepted.get(), "pong", 4, 0) == 4);
  ::shutdown(accepted.get(), SHUT_WR);
  CHECK(early.is_answered());
}

TEST_CASE("listener: the file of a Unix socket") {
  const ScratchDir dir;
  const std::string path = dir.path() / "socket";
  const mode_t before = ::umask(0);
  {
    const Listener listener({.path = path}, 0620);
    CHECK(mode_of(path) == (S_IFSOCK | 0620));
    CHECK(refusal({.path = path}).find("another program listens there") != std::string::npos);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  ::umask(0777);
  {
    const Listener listener({.path = path}, 0666);
    CHECK(mode_of(path) == (S_IFSOCK | 0666));
    // Left behind, as by a program that was killed.
    std::filesystem::rename(path, path + ".old");
  }
  ::umask(before);
  CHECK(std::filesystem::exists(path + ".old"));
  {
    const Listener listener({.path = path + ".old"}, 0600);
    CHECK(mode_of(path + ".old") == (S_IFSOCK | 0600));
  }
  std::ofstream(path) << "a file of somebody";
  CHECK(refusal({.path = path}).find("no socket is there") != std::string::npos);
  CHECK(std::filesystem::file_size(path) > 0);
  CHECK(refusal({.path = dir.path() / "none" / "socket"}).find("folder does not exist") !=
        std::string::npos);
}

TEST_CASE("listener: a file that another program has put in place of the socket stays") {
  const ScratchDir dir;
  const std::string path = dir.path() / "socket";
  {
    const Listener listener({.path = path}, 0600);
    std::filesystem::remove(path);
    std::ofstream(path) << "a file of somebody";
  }
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("listener: says why it cannot listen") {
  const Listener taken(any_port(), 0);
  CHECK(refusal(taken.address()).find("another program listens there") != std::string::npos);
  CHECK(refusal({.host = "192.0.2.1", .port = 1}).find("no such address") != std::string::npos);
  CHECK(refusal({.host = "name.invalid", .port = 1}).find("does not resolve") != std::string::npos);
}

}  // namespace bide
