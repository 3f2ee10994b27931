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

// As `curl -d` sends it.
[[nodiscard]] inline std::string post_form(std::string_view target, std::string_view form,
                                           std::string_view fields = "") {
  std::string head = get(target, fields);
  head.replace(0, 3, "POST");
  head.insert(head.size() - 2, "Content-Type: application/x-www-form-urlencoded\r\n" +
                                   ("Content-Length: " + std::to_string(form.size())) + "\r\n");
  return head.append(form);
}

// The event of one report.
inline constexpr std::string_view kReport = "event=failed&agent=web-01&error=no+space+left";

[[nodiscard]] inline std::string if_none_match(std::string_view etag) {
  return "If-None-Match: " + std::string(etag) + "\r\n";
}

}  // namespace bide::bench
