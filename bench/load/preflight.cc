#include "bench/load/preflight.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>

#include "bench/kit/response_reader.h"
#include "bench/load/answer_reader.h"
#include "bench/load/job_ref.h"

namespace bench::load {
namespace {

constexpr timeval kPatience = {.tv_sec = 15, .tv_usec = 0};

Response ask(int fd, const std::string& request, ResponseReader& reader) {
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    die("the server closed the connection");
  }
  std::array<char, 65536> buffer;
  while (true) {
    if (const auto response = reader.take()) return *response;
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) die("the server did not answer a first request");
    reader.feed({buffer.data(), static_cast<std::size_t>(got)});
  }
}

}  // namespace

void check_server(const Options& options, const Address& address, const std::string& fields) {
  const int fd = address.dial();
  ResponseReader reader;
  const Response response =
      ask(fd, "GET /job/" + job_name({}) + "?wait=10s&until=exists HTTP/1.1\r\n" + fields + "\r\n",
          reader);
  ::close(fd);
  const std::string status = std::to_string(response.status);
  if (response.status == 404) {
    die("the server does not know a job that was written to the bucket " + options.bucket +
        " ten seconds ago: does it watch this bucket on this NATS?");
  }
  if (response.status == 401 || response.status == 403) {
    die("the server answers " + status + ": it wants " +
        (options.token.empty() ? "a token, see --token-env" : "another token"));
  }
  if (response.status != 200) die("the server is not ready: it answers " + status);
  if (revision_of(response.field("ETag")) == 0) {
    die("what listens at " + options.server + " is not bide: there is no ETag of its kind");
  }
}

}  // namespace bench::load
