#include "server/net/access_logger.h"

#include <array>
#include <string>

#include "server/log/log.h"
#include "server/net/connection.h"

namespace bide {
namespace {

std::string_view method_of(const RequestFacts& facts) {
  constexpr std::array<std::string_view, 6> kNames = {"-", "GET", "HEAD", "POST", "PUT", "DELETE"};
  return kNames[facts.method_number];
}

// Behind a trusted proxy no port is known.
std::string client_name(const Exchange& exchange) {
  const Connection& connection = exchange.connection();
  return connection.proxied ? exchange.client_address().text() : peer_name(connection.fd);
}

}  // namespace

bool AccessLogger::wanted(int status) {
  if (mode_ == AccessLog::kOff) return false;
  if (mode_ == AccessLog::kAll || status >= 500) return true;
  return seen_.fetch_add(1, std::memory_order_relaxed) % kSampleEvery == 0;
}

void AccessLogger::response(const Exchange& exchange, int status, std::size_t bytes, LogPath path) {
  if (!wanted(status)) return;
  const RequestFacts& facts = exchange.facts();
  const std::chrono::duration<double, std::milli> took = clock_.now() - facts.received;
  log_line(format_log_line("access", "request", clock_.wall_now(),
                           {{"client", client_name(exchange)},
                            {"protocol", facts.http2 ? "HTTP/2" : "HTTP/1"},
                            {"method", method_of(facts)},
                            {"path", std::string(path.begin).append(path.middle).append(path.end)},
                            {"status", static_cast<std::uint64_t>(status)},
                            {"bytes", static_cast<std::uint64_t>(bytes)},
                            {"held", bool{facts.held}},
                            {"ms", took.count()}}));
}

void AccessLogger::gone(const Exchange& exchange) {
  constexpr int kClientClosedRequest = 499;
  response(exchange, kClientClosedRequest, 0, exchange.log_path());
}

}  // namespace bide
