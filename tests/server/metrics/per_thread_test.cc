#include "server/metrics/per_thread.h"

#include <doctest/doctest.h>

#include <future>
#include <set>
#include <thread>
#include <vector>

namespace bide {
namespace {

struct Block {
  Tally things;
};

std::uint64_t sum(const PerThread<Block>& blocks) {
  std::uint64_t sum = 0;
  blocks.for_each([&](const Block& block) { sum += block.things.load(); });
  return sum;
}

std::size_t size(const PerThread<Block>& blocks) {
  std::size_t size = 0;
  blocks.for_each([&](const Block&) { ++size; });
  return size;
}

TEST_CASE("per thread: threads that live together have blocks of their own, and none is lost") {
  constexpr std::size_t kThreads = 8;
  constexpr std::uint64_t kEach = 100'000;
  PerThread<Block> blocks;
  std::vector<std::promise<const Block*>> mine(kThreads);
  std::promise<void> all_there;
  const std::shared_future<void> go = all_there.get_future().share();
  std::vector<std::thread> threads;
  for (std::promise<const Block*>& block : mine) {
    threads.emplace_back([&blocks, &block, go] {
      block.set_value(&blocks.mine());
      go.wait();
      for (std::uint64_t i = 0; i < kEach; ++i) count(blocks.mine().things);
    });
  }
  std::set<const Block*> different;
  for (std::promise<const Block*>& block : mine) different.insert(block.get_future().get());
  all_there.set_value();
  while (sum(blocks) == 0) std::this_thread::yield();  // Reads while they write.
  for (std::thread& thread : threads) thread.join();
  CHECK(different.size() == kThreads);
  CHECK(sum(blocks) == kThreads * kEach);
}

TEST_CASE("per thread: the next thread goes on with the block of one that has ended") {
  PerThread<Block> blocks;
  for (int i = 0; i < 1000; ++i) std::thread([&] { count(blocks.mine().things); }).join();
  CHECK(sum(blocks) == 1000);
  CHECK(size(blocks) == 2);  // One of them is for threads without memory.
}

TEST_CASE("per thread: one thread may subtract what another added") {
  PerThread<Block> blocks;
  blocks.mine().things.add(3);
  std::thread([&] { blocks.mine().things.subtract(3); }).join();
  CHECK(sum(blocks) == 0);
}

TEST_CASE("per thread: a second set of counters begins at nothing") {
  { PerThread<Block>().mine().things.add(7); }
  PerThread<Block> blocks;
  blocks.mine().things.add(1);
  CHECK(sum(blocks) == 1);
}

}  // namespace
}  // namespace bide
