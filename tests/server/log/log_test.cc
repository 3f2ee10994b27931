#include "server/log/log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <future>
#include <sstream>
#include <thread>
#include <vector>

#include "server/log/line_writer.h"
#include "tests/eventually.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::eventually;

struct Pipe {
  Pipe() { REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0); }
  ~Pipe() {
    close_reader();
    ::close(ends[1]);
  }
  void close_reader() {
    if (ends[0] >= 0) ::close(ends[0]);
    ends[0] = -1;
  }
  // Reads until the text ends with `ending` or has `lines` line ends; each read takes two seconds
  // at most.
  std::string read_until(std::string_view ending, std::ptrdiff_t lines = PTRDIFF_MAX) {
    std::string text;
    while (!text.ends_with(ending) && std::count(text.begin(), text.end(), '\n') < lines) {
      struct pollfd readable = {ends[0], POLLIN, 0};
      if (::poll(&readable, 1, 2000) <= 0) break;
      std::array<char, 4096> buffer{};
      const ssize_t got = ::read(ends[0], buffer.data(), buffer.size());
      if (got <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
  }
  std::string read_lines(std::ptrdiff_t lines) { return read_until("\xff", lines); }
  std::array<int, 2> ends{-1, -1};
};

std::string note(std::uint64_t lines) { return "dropped " + std::to_string(lines); }

TEST_CASE("log: a line is a JSON object with its fields in order") {
  const WallTime time{1'769'860'800'007'900'000ns};
  CHECK(format_log_line("info", "served", time,
                        {{"path", "/job/1"}, {"status", 200U}, {"seconds", 0.5}, {"held", true}}) ==
        R"({"time":"2026-01-31T12:00:00.007Z","level":"info","msg":"served",)"
        R"("path":"/job/1","status":200,"seconds":0.5,"held":true})");
  CHECK(format_log_line("warn", "x", time, {}, 3) ==
        R"({"time":"2026-01-31T12:00:00.007Z","level":"warn","msg":"x","suppressed":3})");
}

TEST_CASE("log: text from outside cannot break out of a message or a value") {
  const std::string line = format_log_line("warn", "a\"\n\xff", {}, {{"key", "\u202e\""}});
  CHECK(line.ends_with("\"msg\":\"a\\\"\\n\xEF\xBF\xBD\",\"key\":\"\\u202e\\\"\"}"));
}

TEST_CASE("log: a limit lets one line a second through and counts the rest") {
  LogLimit limit;
  const TimePoint start{100s};
  CHECK(limit.admit(start) == 0U);
  CHECK_FALSE(limit.admit(start));
  CHECK_FALSE(limit.admit(start + 999ms));
  CHECK(limit.admit(start + 1s) == 2U);
  CHECK_FALSE(limit.admit(start + 1s));
}

TEST_CASE("line_writer: lines arrive whole and in order, from many threads") {
  Pipe pipe;
  LineWriter writer(pipe.ends[1], 1 << 20, note);
  std::vector<std::thread> threads;
  for (char name : {'a', 'b', 'c'}) {
    threads.emplace_back([&, name] {
      for (int i = 0; i < 500; ++i) writer.write(std::string(1, name) + std::to_string(1000 + i));
    });
  }
  const std::string text = pipe.read_lines(1500);
  for (std::thread& thread : threads) thread.join();
  CHECK(text.size() == 1500 * 6);
  for (char name : {'a', 'b', 'c'}) {
    std::size_t at = 0;
    for (int i = 0; i < 500 && at != std::string::npos; ++i) {
      at = text.find(std::string(1, name) + std::to_string(1000 + i) + "\n", at);
    }
    CHECK(at != std::string::npos);
  }
  CHECK(writer.dropped() == 0);
}

TEST_CASE(
    "line_writer: a stopped reader blocks no caller; the oldest lines are dropped and counted") {
  Pipe pipe;
  ::fcntl(pipe.ends[1], F_SETPIPE_SZ, 4096);
  constexpr std::uint64_t kLines = 1000;
  LineWriter writer(pipe.ends[1], 10'000, note);
  auto done = std::async(std::launch::async, [&] {
    for (std::uint64_t i = 0; i < kLines; ++i) writer.write(std::string(99, 'x'));
    writer.write("last");
  });
  REQUIRE(done.wait_for(5s) == std::future_status::ready);
  CHECK_FALSE(writer.flush(0ms));
  const std::uint64_t dropped = writer.dropped();
  CHECK(dropped > kLines / 2);
  CHECK(dropped < kLines);

  // Every line was either written or is counted in a note.
  std::istringstream text(pipe.read_until("last\n"));
  std::uint64_t written = 0;
  std::uint64_t noted = 0;
  std::string last;
  for (std::string line; std::getline(text, line); last = line) {
    if (line.starts_with("dropped ")) {
      noted += std::stoull(line.substr(8));
    } else {
      ++written;
    }
  }
  CHECK(last == "last");
  CHECK(noted == dropped);
  CHECK(written + noted == kLines + 1);
}

TEST_CASE("line_writer: the queue takes its limit, and not a byte more") {
  Pipe pipe;
  ::fcntl(pipe.ends[1], F_SETPIPE_SZ, 4096);
  REQUIRE(::write(pipe.ends[1], std::string(4096, 'f').data(), 4096) == 4096);
  LineWriter writer(pipe.ends[1], 100, note);
  std::uint64_t written = 0;
  const auto held_after_one_more = [&] {
    writer.write(std::string(99, 'x'));
    return ++written - writer.dropped();
  };
  // The writer is writing one line, and one is in the queue.
  CHECK(eventually([&] { return held_after_one_more() == 2; }));
  CHECK_FALSE(eventually([&] { return held_after_one_more() > 2; }, 1s));
}

TEST_CASE("line_writer: a line longer than the queue is dropped, not kept for ever") {
  Pipe pipe;
  LineWriter writer(pipe.ends[1], 100, note);
  writer.write(std::string(100, 'x'));
  writer.write(std::string(99, 'y'));
  CHECK(pipe.read_lines(2) == "dropped 1\n" + std::string(99, 'y') + "\n");
}

TEST_CASE("line_writer: a reader that is gone is no SIGPIPE, and stopping does not hang") {
  Pipe pipe;
  {
    LineWriter writer(pipe.ends[1], 1000, note);
    pipe.close_reader();
    writer.write("nobody reads this");
    CHECK(writer.flush(5s));
    CHECK(writer.dropped() == 1);
  }
  Pipe stuck;
  ::fcntl(stuck.ends[1], F_SETPIPE_SZ, 4096);
  auto ended = std::async(std::launch::async, [&] {
    LineWriter writer(stuck.ends[1], 1 << 20, note);
    for (int i = 0; i < 1000; ++i) writer.write(std::string(99, 'x'));
  });
  CHECK(ended.wait_for(10s) == std::future_status::ready);
}

}  // namespace
}  // namespace bide
