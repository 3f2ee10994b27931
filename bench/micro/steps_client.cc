#include "bench/micro/steps_client.h"

#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <string>

#include "bench/micro/requests.h"
#include "bench/micro/worker_entries.h"

namespace bide::bench {
namespace {

// Steps before those that were asked for. Counting takes the difference of two runs, which both
// have them, so what only first requests pay (symbols looked up, buffers grown) is in neither.
constexpr std::size_t kWarmUp = 100;

std::size_t body_bytes(std::string_view head) {
  constexpr std::string_view kName = "\r\nContent-Length: ";
  const std::size_t at = head.find(kName);
  if (at == std::string_view::npos) return 0;
  return std::strtoul(head.data() + at + kName.size(), nullptr, 10);
}

// The answer, head and body; empty when none came.
std::string ask(int fd, const std::string& request) {
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) return "";
  std::string answer;
  std::array<char, 16'384> buffer;
  for (;;) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) return "";
    answer.append(buffer.data(), static_cast<std::size_t>(got));
    const std::size_t head = answer.find("\r\n\r\n");
    if (head == std::string::npos) continue;
    if (answer.size() >= head + 4 + body_bytes(answer.substr(0, head))) return answer;
  }
}

bool not_modified(int fd, std::size_t steps) {
  constexpr std::string_view kName = "\r\nETag: ";
  const std::string path = "/job/" + job_id(0);
  const std::string first = ask(fd, get(path));
  const std::size_t at = first.find(kName);
  if (!first.starts_with("HTTP/1.1 200 ") || at == std::string::npos) return false;
  const std::size_t begin = at + kName.size();
  const std::string etag = first.substr(begin, first.find('\r', begin) - begin);
  const std::string request = get(path, if_none_match(etag));
  for (std::size_t i = 0; i < steps; ++i) {
    if (!ask(fd, request).starts_with("HTTP/1.1 304 ")) return false;
  }
  return true;
}

bool park_and_wake(int fd, std::size_t steps) {
  for (std::size_t i = 0; i < steps; ++i) {
    const std::string answer = ask(fd, get("/job/" + job_id(i) + "?until=done&wait=30s"));
    if (!answer.starts_with("HTTP/1.1 200 ")) return false;
    if (answer.find("Bide-Outcome: done\r\n") == std::string::npos) return false;
  }
  return true;
}

}  // namespace

std::optional<Operation> operation_from_word(std::string_view word) {
  if (word == "not-modified") return Operation::kNotModified;
  if (word == "park-and-wake") return Operation::kParkAndWake;
  return std::nullopt;
}

std::size_t jobs_for(Operation operation, std::size_t steps) {
  return operation == Operation::kParkAndWake ? steps + kWarmUp : 1;
}

bool run_steps(int fd, Operation operation, std::size_t steps) {
  return operation == Operation::kParkAndWake ? park_and_wake(fd, steps + kWarmUp)
                                              : not_modified(fd, steps + kWarmUp);
}

}  // namespace bide::bench
