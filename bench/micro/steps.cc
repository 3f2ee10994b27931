// bide-steps: serves one request N times, so that a tool can count what that took.
//
//   bide-steps not-modified|park-and-wake N
//
// The process is the server alone: its client is a process of its own, started from the same file
// by exec, which valgrind does not follow. So every instruction counted beyond the start-up is the
// server's, whatever its functions are called; see bench/micro/instructions. Nothing in here waits
// by spinning, for the same reason.
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "bench/micro/steps_client.h"
#include "bench/micro/steps_server.h"

namespace bide::bench {
namespace {

// The server prepares a job for each, always all of them: then start-up costs the same for any N.
constexpr std::size_t kStepsMax = 4'000;

struct Order {
  Operation operation{};
  std::size_t steps = 0;
};

std::optional<Order> parse_order(char** words) {
  const std::string_view count = words[1];
  const std::optional<Operation> operation = operation_from_word(words[0]);
  std::size_t steps = 0;
  const auto parsed = std::from_chars(count.data(), count.data() + count.size(), steps);
  const bool number = parsed.ec == std::errc() && parsed.ptr == count.data() + count.size();
  if (!operation || !number || steps > kStepsMax) return std::nullopt;
  return Order{*operation, steps};
}

// Starts this program again with the socket as its standard input. -1: cannot.
pid_t spawn_client(int socket, char** words) {
  // Read, not passed on as a path: under valgrind the link itself names valgrind's own program.
  std::string program = std::filesystem::read_symlink("/proc/self/exe");
  std::string role = "client";
  const std::array<char*, 5> arguments{program.data(), words[0], words[1], role.data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? pid : -1;
}

bool serve(const Order& order, char** words) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return false;
  // Never destroyed: taking it down would cost more the more was done.
  auto* const server = new StepsServer(jobs_for(order.operation, kStepsMax));
  server->adopt(ends[0]);
  const pid_t client = spawn_client(ends[1], words);
  ::close(ends[1]);
  int status = 0;
  return client > 0 && ::waitpid(client, &status, 0) == client && status == 0;
}

int run(int argc, char** argv) {
  const bool client = argc == 4 && std::string_view(argv[3]) == "client";
  const std::optional<Order> order = argc == 3 || client ? parse_order(argv + 1) : std::nullopt;
  if (!order) {
    std::fprintf(stderr, "usage: bide-steps not-modified|park-and-wake N   (N up to %zu)\n",
                 kStepsMax);
    return 2;
  }
  if (client) return run_steps(STDIN_FILENO, order->operation, order->steps) ? 0 : 1;
  if (serve(*order, argv + 1)) return 0;
  std::fprintf(stderr, "bide-steps: a step failed\n");
  return 1;
}

}  // namespace
}  // namespace bide::bench

int main(int argc, char** argv) { std::_Exit(bide::bench::run(argc, argv)); }
