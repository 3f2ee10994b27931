// bench/micro/requests.h: Request heads as clients send them.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace bide::bench {

// As curl sends it: Host, User-Agent, Accept, and one more that scripts add. `target` with its
// query; `fields` are whole lines, each with its line end.
[[nodiscard]] inline std::string get(std::string_view target, std::string_view fields = "") {
  std::string head = "GET ";
  head += target;
  head +=
      " HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"
      "Accept-Encoding: deflate, gzip, br\r\n";
  head += fields;
  return head += "\r\n";
}

[[nodiscard]] inline std::string if_none_match(std::string_view etag) {
  return "If-None-Match: " + std::string(etag) + "\r\n";
}

}  // namespace bide::bench
