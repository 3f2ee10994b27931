// tests/server/http_any.cc: bide's parser behind a resource that answers 200 to whatever it lets
// in, with the request as it was understood. For conformance suites, which so see what was
// accepted: `http_any [--listen 127.0.0.1:9002]` prints its URL and serves until SIGTERM.
#include <string>

#include "tests/server/suite_server.h"

namespace bide {
namespace {

// Request line, path, then parameters and fields that some resource reads, a line each.
void answer(const http::Request& request, Exchange& exchange) {
  http::Response response;
  response.status = 200;
  std::string text = request.method + " " + request.target + " " + request.version + "\n";
  text.append("path ").append(request.path).append("\n");
  for (const auto& [name, value] : request.params) {
    text.append("parameter ").append(name).append("=").append(value).append("\n");
  }
  for (const auto& [name, value] : request.headers) {
    text.append("field ").append(name).append(": ").append(value).append("\n");
  }
  response.set_content(text, "text/plain; charset=utf-8");
  exchange.send(response, "-");
}

}  // namespace
}  // namespace bide

int main(int argc, char** argv) {
  return bide::testing::run_suite_server(
      argc, argv, {.name = "http_any", .scheme = "http", .listen = "127.0.0.1:9002"},
      [](auto& /*server*/) { return bide::answer; });
}
