#include "client/stderr_tail.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

using namespace bide;

namespace {

// A pipe in place of this process's stderr, for the copier that is started meanwhile.
struct Reader {
  std::array<int, 2> pipe{};
  std::optional<StderrTail> tail;

  Reader() {
    REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
    const int own = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    REQUIRE(own >= 0);
    REQUIRE(::dup2(pipe[1], STDERR_FILENO) == STDERR_FILENO);
    tail = StderrTail::start();
    ::dup2(own, STDERR_FILENO);
    ::close(own);
    ::close(pipe[1]);
    REQUIRE(tail);
  }
  ~Reader() { hang_up(); }
  void hang_up() {
    if (pipe[0] >= 0) ::close(pipe[0]);
    pipe[0] = -1;
  }
  [[nodiscard]] std::string read(std::size_t bytes) const {
    std::string text(bytes, '\0');
    std::size_t got = 0;
    while (got < bytes) {
      const ssize_t count = ::read(pipe[0], text.data() + got, bytes - got);
      if (count <= 0) break;
      got += static_cast<std::size_t>(count);
    }
    text.resize(got);
    return text;
  }
};

bool is_readable(int fd, int patience_ms) {
  pollfd ready{fd, POLLIN, 0};
  return ::poll(&ready, 1, patience_ms) == 1;
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    REQUIRE(count > 0);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::string take(StderrTail& tail) {
  REQUIRE(is_readable(tail.fd(), 20'000));
  return tail.take();
}

}  // namespace

TEST_CASE("stderr_tail: what is written comes out, and its last lines are known") {
  Reader reader;
  write_all(reader.tail->write_end(), "one\ntwo\n");
  CHECK(reader.read(8) == "one\ntwo\n");
  CHECK_FALSE(is_readable(reader.tail->fd(), 0));
  write_all(reader.tail->write_end(), "three");
  reader.tail->ask();
  CHECK(reader.read(100) == "three");  // And the end: the copier has gone.
  CHECK(take(*reader.tail) == "one\ntwo\nthree");
}

TEST_CASE("stderr_tail: nothing written is no line") {
  Reader reader;
  reader.tail->ask();
  CHECK(take(*reader.tail).empty());
}

TEST_CASE("stderr_tail: a process that is left behind delays nothing, and keeps its stderr") {
  Reader reader;
  const int left_behind = ::fcntl(reader.tail->write_end(), F_DUPFD_CLOEXEC, 3);
  write_all(left_behind, "by the command\n");
  reader.tail->ask();
  CHECK(take(*reader.tail) == "by the command");
  write_all(left_behind, "later\n");
  CHECK(reader.read(21) == "by the command\nlater\n");
  ::close(left_behind);
  CHECK(reader.read(1).empty());
}

TEST_CASE("stderr_tail: it answers only when the reader has taken everything") {
  Reader reader;
  // More than both pipes and the copier hold; the writer would block, so it does not.
  const int end = ::fcntl(reader.tail->write_end(), F_DUPFD_CLOEXEC, 3);
  REQUIRE(::fcntl(end, F_SETFL, O_NONBLOCK) == 0);
  const std::string chunk(4096, 'x');
  std::size_t written = 0;
  for (int full = 0; full < 20;) {
    const ssize_t count = ::write(end, chunk.data(), chunk.size());
    if (count > 0) {
      written += static_cast<std::size_t>(count);
    } else {
      ++full;
      pollfd room{end, POLLOUT, 0};
      ::poll(&room, 1, 10);
    }
  }
  CHECK(written >= 2 * 65536);
  ::close(end);
  reader.tail->ask();
  CHECK_FALSE(is_readable(reader.tail->fd(), 50));
  CHECK(reader.read(written + 1).size() == written);
  CHECK(take(*reader.tail).size() == StderrTail::kBytesMax);
}

TEST_CASE("stderr_tail: if the reader has gone, the writer is told by SIGPIPE") {
  Reader reader;
  reader.hang_up();
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = SIG_IGN;
  REQUIRE(::sigaction(SIGPIPE, &ignore, &before) == 0);
  write_all(reader.tail->write_end(), "nobody reads this\n");
  pollfd closed{reader.tail->write_end(), 0, 0};  // POLLERR: there is no reader any more.
  CHECK(::poll(&closed, 1, 20'000) == 1);
  CHECK(::write(reader.tail->write_end(), "x", 1) == -1);
  CHECK(errno == EPIPE);
  ::sigaction(SIGPIPE, &before, nullptr);
  CHECK(take(*reader.tail) == "nobody reads this");
}

TEST_CASE("stderr_tail: the copier holds no other descriptor") {
  std::array<int, 2> other{};
  REQUIRE(::pipe(other.data()) == 0);  // Without CLOEXEC: as inherited from a parent.
  Reader reader;
  ::close(other[1]);
  CHECK(is_readable(other[0], 20'000));  // Its end: nobody else has the write end.
  ::close(other[0]);
}

TEST_CASE("stderr_tail: last_lines are whole lines, as UTF-8") {
  CHECK(last_lines("").empty());
  CHECK(last_lines("\n\r\n").empty());
  CHECK(last_lines("a\nb\n") == "a\nb");
  CHECK(last_lines("caf\xe9\n") == "caf\xef\xbf\xbd");
  const std::string line(1000, 'y');
  std::string tail;
  while (tail.size() < StderrTail::kBytesMax) tail += line + "\n";
  tail = tail.substr(tail.size() - StderrTail::kBytesMax);
  CHECK(last_lines(tail) == line + "\n" + line + "\n" + line + "\n" + line);
  // One line that is longer than the tail is cut.
  CHECK(last_lines(std::string(StderrTail::kBytesMax, 'z')).size() == StderrTail::kBytesMax);
}
