// bench/peers/command_line.h: The options and limits that the C++ peers have in common.
//
// Thread safety: for main, before it starts threads.
#pragma once

#include <netinet/in.h>

#include <initializer_list>
#include <map>
#include <string>

namespace peers {

// Prints `<program>: <why>` to stderr and exits with 1.
[[noreturn]] void die(const std::string& why);

// `--name value` pairs.
class CommandLine {
 public:
  // Dies on anything that is not a pair, and on names that are not among `known`.
  CommandLine(int argc, char** argv, std::initializer_list<const char*> known);

  // Dies on a value that is not a number.
  [[nodiscard]] int number(const std::string& name, int otherwise) const;
  // Empty: not given.
  [[nodiscard]] std::string text(const std::string& name) const;
  // The port of `--listen 127.0.0.1:PORT`; dies on any other address, and on a port where somebody
  // listens: both programs set SO_REUSEPORT, which would share it with a forgotten server silently.
  [[nodiscard]] int free_port() const;

 private:
  std::map<std::string, std::string> given_;
};

// 127.0.0.1 at `port`.
[[nodiscard]] sockaddr_in loopback(int port);

// Raises the limit of descriptors to its hard limit: each connection is one.
void raise_descriptor_limit();

// Tells the parent process that connections are accepted from now on.
void say_listening();

}  // namespace peers
