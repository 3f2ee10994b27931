// bide-steps: does one thing N times, so that a tool can count its cost.
//
//   bide-steps OPERATION N [SETTING]      see steps.h for the words
//
// The process is the server alone: its client is a process of its own, started from the same file
// by exec, which valgrind does not follow. So every instruction counted beyond the start-up is the
// server's, whatever its functions are called; see bench/micro/instructions. Nothing in here waits
// by spinning, for the same reason.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "bench/micro/steps.h"
#include "bench/micro/steps_client.h"
#include "bench/micro/steps_credentials.h"
#include "bench/micro/steps_server.h"

namespace bide::bench {
namespace {

constexpr Ends kClientEnds{.listening = STDIN_FILENO, .events = STDOUT_FILENO};

std::optional<Order> parse_order(int words, char** word) {
  if (words < 2) return std::nullopt;
  const std::string_view count = word[1];
  const std::optional<Operation> operation = operation_from_word(word[0]);
  const std::optional<Setting> setting = setting_from_word(words > 2 ? word[2] : "plain");
  std::size_t steps = 0;
  const auto parsed = std::from_chars(count.data(), count.data() + count.size(), steps);
  const bool number = parsed.ec == std::errc() && parsed.ptr == count.data() + count.size();
  if (!operation || !setting || !number || steps > kStepsMax) return std::nullopt;
  return Order{*operation, steps, *setting};
}

// On a name that the kernel finds. -1: cannot.
int listen_somewhere() {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  const bool done = ::bind(fd, generic, sizeof address.sun_family) == 0 && ::listen(fd, 8) == 0;
  return done ? fd : -1;
}

// Starts this program again as the client. -1: cannot.
pid_t spawn_client(const Ends& ends, char** words, std::string directory) {
  // Read, not passed on as a path: under valgrind the link itself names valgrind's own program.
  std::string program = std::filesystem::read_symlink("/proc/self/exe");
  std::string plain = "plain";
  char* const setting = words[2] == nullptr ? plain.data() : words[2];
  const std::array<char*, 6> arguments{program.data(), words[0],         words[1],
                                       setting,        directory.data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends.listening, kClientEnds.listening);
  ::posix_spawn_file_actions_adddup2(&actions, ends.events, kClientEnds.events);
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? pid : -1;
}

// Hands connections in and applies events, until the client has closed its end.
void attend(int listening, int events, StepsServer& server) {
  for (;;) {
    std::array<pollfd, 2> watched{pollfd{listening, POLLIN, 0}, pollfd{events, POLLIN, 0}};
    if (::poll(watched.data(), watched.size(), -1) < 0) return;
    if (watched[0].revents != 0) {
      const int fd = ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) server.adopt(fd);
    }
    char said = 0;
    if (watched[1].revents == 0) continue;
    if (::read(events, &said, 1) != 1) return;
    server.apply_next();
  }
}

bool serve(const Order& order, char** words, const std::filesystem::path& directory) {
  write_credentials(order.setting, directory);
  // Never destroyed: taking it down would cost more the more was done.
  auto* const server = new StepsServer(order, directory);
  if (is_without_client(order.operation)) return server->apply_all(order.steps + kWarmUp);
  std::array<int, 2> events{};
  const int listening = listen_somewhere();
  if (listening < 0 || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, events.data()) != 0) {
    return false;
  }
  const pid_t client = spawn_client({listening, events[1]}, words, directory);
  ::close(events[1]);
  if (client > 0) attend(listening, events[0], *server);
  int status = 0;
  return client > 0 && ::waitpid(client, &status, 0) == client && status == 0;
}

bool serve_in_scratch(const Order& order, char** words) {
  std::string name = std::filesystem::temp_directory_path() / "bide-steps.XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) return false;
  const bool well = serve(order, words, name);
  std::filesystem::remove_all(name);
  return well;
}

int run(int argc, char** argv) {
  const bool client = argc == 5;  // With the directory.
  const std::optional<Order> order =
      argc <= 5 ? parse_order(argc - 1, argv + 1) : std::optional<Order>();
  if (!order) {
    std::fprintf(stderr, "usage: bide-steps OPERATION N [SETTING]   (N up to %zu)\n", kStepsMax);
    return 2;
  }
  if (client) return run_steps(kClientEnds, *order, argv[4]) ? 0 : 1;
  if (serve_in_scratch(*order, argv + 1)) return 0;
  std::fprintf(stderr, "bide-steps: a step failed\n");
  return 1;
}

}  // namespace
}  // namespace bide::bench

int main(int argc, char** argv) { std::_Exit(bide::bench::run(argc, argv)); }
