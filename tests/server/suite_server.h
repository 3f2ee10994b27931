// tests/server/suite_server.h: bide's front, from accepting to the parser, with a resource of
// the test's own, as a program that conformance suites can be pointed at.
#pragma once

#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "core/base/host_port.h"
#include "server/api/protocols.h"
#include "server/net/acceptor.h"
#include "server/net/front.h"

namespace bide::testing {

class SuiteServer {
 public:
  // Of a parked request or a stream.
  [[nodiscard]] JobTable& table() { return table_; }

  // Throws StartError.
  std::uint16_t start(Dispatcher::Handler dispatch, const std::string& host, std::uint16_t port) {
    dispatch_ = std::move(dispatch);
    const std::uint16_t bound = acceptor_.listen({.host = host, .port = port}).port;
    front_.start(protocols_.all(), 2);
    acceptor_.start();
    return bound;
  }
  void stop() {
    acceptor_.stop();
    front_.drain(std::chrono::seconds(5));
    table_.close();
    front_.stop();
  }

 private:
  HttpMetrics http_metrics_;
  AccessLogger access_logger_{system_clock(), AccessLog::kOff};
  Front front_{system_clock(), {}, http_metrics_, access_logger_};
  JobTable table_{system_clock(), {}, &front_.executor()};
  Dispatcher::Handler dispatch_;
  Protocols protocols_{front_, table_, [this](const http::Request& request, Exchange& exchange) {
                         dispatch_(request, exchange);
                       }};
  Acceptor acceptor_{front_};
};

struct SuiteProgram {
  std::string_view name;    // For errors.
  std::string_view scheme;  // Of the URL it prints: `ws`.
  std::string_view listen;  // Without --listen.
};

// `NAME [--listen HOST:PORT]`: prints its URL and serves until SIGTERM. `prepare` is
// given the server, and returns what answers requests.
template <typename Prepare>
int run_suite_server(int argc, char** argv, const SuiteProgram& program, Prepare prepare) {
  std::string listen(program.listen);
  const std::string name(program.name);
  if (argc == 3 && std::string_view(argv[1]) == "--listen") listen = argv[2];
  const auto parts = split_host_port(listen);
  const auto wanted = parts && parts->port ? parse_port(*parts->port) : std::nullopt;
  if ((argc != 1 && argc != 3) || !wanted) {
    std::fprintf(stderr, "usage: %s [--listen 127.0.0.1:0]\n", name.c_str());
    return 2;
  }
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  try {
    SuiteServer server;
    const std::string host(parts->host);
    const unsigned port = server.start(prepare(server), host, *wanted);
    std::printf("%s://%s:%u\n", std::string(program.scheme).c_str(), host_in_url(host).c_str(),
                port);
    std::fflush(stdout);
    int number = 0;
    ::sigwait(&signals, &number);
    server.stop();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), error.what());
    return 1;
  }
}

}  // namespace bide::testing
