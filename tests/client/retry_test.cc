#include "client/retry.h"

#include <doctest/doctest.h>

#include <future>
#include <vector>

using namespace bide;
using namespace std::chrono_literals;

namespace {

using std::chrono::steady_clock;

}  // namespace

TEST_CASE("retry: trouble is repeated until the write is stored or refused") {
  for (const WriteReply& end : {WriteReply(Stored{}), WriteReply(ServerRefusal{403, "no"})}) {
    Retry retry(1);
    int attempts = 0;
    std::vector<std::string> troubles;
    const WriteReply reply = retry.run(
        [&](std::chrono::milliseconds patience) -> WriteReply {
          CHECK(patience == Retry::kPatienceMax);
          if (++attempts < 3) return Trouble{"trouble " + std::to_string(attempts), {}};
          return end;
        },
        [&](const Trouble& trouble) { troubles.push_back(trouble.what); });
    CHECK(reply.index() == end.index());
    CHECK(attempts == 3);
    CHECK(troubles == std::vector<std::string>{"trouble 1", "trouble 2"});
  }
}

TEST_CASE("retry: the deadline ends it with the last trouble, and bounds each attempt") {
  const TimePoint deadline = steady_clock::now() + 400ms;
  Retry retry(1, deadline);
  int attempts = 0;
  const WriteReply reply = retry.run([&](std::chrono::milliseconds patience) -> WriteReply {
    CHECK(patience <= 400ms);
    CHECK(patience >= 1ms);
    // What the server asks for is longer than what remains, and still it gets a second chance.
    return Trouble{std::to_string(++attempts), 60s};
  });
  CHECK(steady_clock::now() >= deadline);
  REQUIRE(std::holds_alternative<Trouble>(reply));
  CHECK(std::get<Trouble>(reply).what == std::to_string(attempts));
  CHECK(attempts >= 2);
  CHECK(attempts < 20);
}

TEST_CASE("retry: there is one attempt, even after the deadline") {
  Retry retry(1, steady_clock::now() - 1s);
  int attempts = 0;
  const WriteReply reply = retry.run([&](std::chrono::milliseconds patience) -> WriteReply {
    CHECK(patience == 1ms);
    ++attempts;
    return Trouble{"away", {}};
  });
  CHECK(std::holds_alternative<Trouble>(reply));
  CHECK(attempts == 1);
}

TEST_CASE("retry: a new deadline ends the pause") {
  Retry retry(1);
  std::promise<void> failed;
  int attempts = 0;
  auto reply = std::async(std::launch::async, [&] {
    return retry.run(
        [&](std::chrono::milliseconds) -> WriteReply {
          if (++attempts == 1) return Trouble{"away", 60s};
          return Stored{};
        },
        [&](const Trouble&) { failed.set_value(); });
  });
  REQUIRE(failed.get_future().wait_for(10s) == std::future_status::ready);
  retry.set_deadline(steady_clock::now() + 1h);
  REQUIRE(reply.wait_for(10s) == std::future_status::ready);
  CHECK(std::holds_alternative<Stored>(reply.get()));
  CHECK(attempts == 2);
}
