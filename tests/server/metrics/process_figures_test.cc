#include "server/metrics/process_figures.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

namespace bide {
namespace {

TEST_CASE("process figures: all figures are read") {
  const ProcessFigures figures = process_figures();
  CHECK(figures.threads >= 1);
  CHECK(figures.resident_bytes > 1'000'000);
  CHECK(figures.virtual_bytes > figures.resident_bytes);
  CHECK(figures.max_fds > figures.open_fds);
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  CHECK(figures.start_time_seconds <= now.count() + 1);
  CHECK(figures.start_time_seconds > now.count() - 600);
}

TEST_CASE("process figures: descriptors are counted") {
  const std::uint64_t before = process_figures().open_fds;
  std::vector<int> opened;
  for (int i = 0; i < 10; ++i) opened.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  CHECK(process_figures().open_fds == before + 10);
  for (const int fd : opened) ::close(fd);
  CHECK(process_figures().open_fds == before);
}

TEST_CASE("process figures: work is seen, and memory that is used") {
  const ProcessFigures before = process_figures();
  std::vector<char> memory(64 << 20);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  ProcessFigures after = before;
  while (after.cpu_seconds < before.cpu_seconds + 0.05 && std::chrono::steady_clock::now() < end) {
    std::memset(memory.data(), 1, memory.size());
    after = process_figures();
  }
  CHECK(after.cpu_seconds >= before.cpu_seconds + 0.05);
  CHECK(after.resident_bytes >= before.resident_bytes + (32 << 20));
  CHECK(after.start_time_seconds == before.start_time_seconds);
}

}  // namespace
}  // namespace bide
