#include "bench/peers/command_line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace peers {
namespace {

constexpr std::string_view kHost = "127.0.0.1:";

int to_number(const std::string& what, std::string_view text) {
  int value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && value >= 0) {
    return value;
  }
  die(what + " is a number, got: " + std::string(text));
}

// By connecting, as no bind() tells: with SO_REUSEPORT it succeeds beside a listener, and without
// it fails on what a server that is gone has left in TIME_WAIT.
bool is_taken(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const int connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::close(fd);
  return connected == 0;
}

}  // namespace

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void die(const std::string& why) {
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, why.c_str());
  std::exit(1);
}

CommandLine::CommandLine(int argc, char** argv, std::initializer_list<const char*> known) {
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      die("there is no option " + name);
    }
    if (i + 1 == argc) die(name + " needs a value");
    given_[name] = argv[i + 1];
  }
}

int CommandLine::number(const std::string& name, int otherwise) const {
  const auto found = given_.find(name);
  return found == given_.end() ? otherwise : to_number(name, found->second);
}

std::string CommandLine::text(const std::string& name) const {
  const auto found = given_.find(name);
  return found == given_.end() ? "" : found->second;
}

int CommandLine::free_port() const {
  const auto found = given_.find("--listen");
  if (found == given_.end() || !found->second.starts_with(kHost)) {
    die("wanted: --listen " + std::string(kHost) + "PORT");
  }
  const int port = to_number("PORT", std::string_view(found->second).substr(kHost.size()));
  if (port == 0 || port > 65535) die("PORT is 1 to 65535");
  if (is_taken(port)) die("somebody listens at port " + std::to_string(port));
  return port;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) die("no limit of descriptors");
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) die("cannot raise the limit of descriptors");
}

void say_listening() {
  std::puts("listening");
  std::fflush(stdout);
}

}  // namespace peers
