#include "bench/micro/steps_line.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

namespace bide::bench {
namespace {

std::size_t body_bytes(std::string_view head) {
  constexpr std::string_view kName = "\r\nContent-Length: ";
  const std::size_t at = head.find(kName);
  if (at == std::string_view::npos) return 0;
  return std::strtoul(head.data() + at + kName.size(), nullptr, 10);
}

}  // namespace

Line::Line(int listening, SSL_CTX* tls) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  ok_ = ::getsockname(listening, generic, &size) == 0 && ::connect(fd_, generic, size) == 0;
  if (!ok_ || tls == nullptr) return;
  ssl_.reset(SSL_new(tls));
  SSL_set_fd(ssl_.get(), fd_);
  ok_ = SSL_connect(ssl_.get()) == 1;
}

Line::~Line() {
  if (ssl_ != nullptr && ok_) SSL_shutdown(ssl_.get());
  ::close(fd_);
}

bool Line::send(std::string_view bytes) {
  const auto size = static_cast<ssize_t>(bytes.size());
  if (ssl_ == nullptr) return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == size;
  return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(size)) == size;
}

bool Line::read_more() {
  std::array<char, 16'384> buffer;
  const ssize_t got = ssl_ == nullptr
                          ? ::recv(fd_, buffer.data(), buffer.size(), 0)
                          : SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
  if (got > 0) received_.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0;
}

std::string Line::read_until(std::string_view end) {
  for (;;) {
    const std::size_t at = received_.find(end);
    if (at != std::string::npos) {
      std::string found = received_.substr(0, at + end.size());
      received_.erase(0, found.size());
      return found;
    }
    if (!read_more()) return "";
  }
}

std::string Line::ask(std::string_view request) {
  if (!send(request)) return "";
  std::string answer = read_until("\r\n\r\n");
  const std::size_t body = body_bytes(answer);
  const bool has_body = answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.1 201 ");
  while (has_body && received_.size() < body) {
    if (!read_more()) return "";
  }
  if (has_body) answer += std::exchange(received_, {});
  return answer;
}

}  // namespace bide::bench
