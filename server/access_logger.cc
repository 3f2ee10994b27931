#include "server/access_logger.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "server/connection.h"
#include "server/exchange.h"
#include "server/log.h"

namespace bide {
namespace {

// Asked of the kernel only for lines that are written: most requests need no name for their client.
std::string peer_name(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "";
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
  ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  return std::string(text.data()) + ":" + std::to_string(ntohs(v4.sin_port));
}

std::string_view method_of(const RequestFacts& facts) {
  return facts.other ? "-" : facts.head ? "HEAD" : "GET";
}

}  // namespace

bool AccessLogger::wanted(int status) {
  if (mode_ == AccessLog::kOff) return false;
  if (mode_ == AccessLog::kAll || status >= 500) return true;
  return seen_.fetch_add(1, std::memory_order_relaxed) % kSampleEvery == 0;
}

void AccessLogger::response(const Connection& connection, int status, std::size_t bytes,
                            LogPath path) {
  if (!wanted(status)) return;
  const RequestFacts& facts = connection.facts;
  const std::chrono::duration<double, std::milli> took = clock_.now() - facts.received;
  log_line(format_log_line("access", "request", clock_.wall_now(),
                           {{"client", peer_name(connection.fd)},
                            {"method", method_of(facts)},
                            {"path", std::string(path.begin).append(path.middle).append(path.end)},
                            {"status", static_cast<std::uint64_t>(status)},
                            {"bytes", static_cast<std::uint64_t>(bytes)},
                            {"held", bool{facts.held}},
                            {"ms", took.count()}}));
}

void AccessLogger::gone(const Connection& connection) {
  constexpr int kClientClosedRequest = 499;
  response(connection, kClientClosedRequest, 0, connection.holder->log_path(connection.key));
}

}  // namespace bide
