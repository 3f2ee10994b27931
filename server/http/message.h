// server/http/message.h: A request as the parser hands it to resources, and a response as resources
// hand it to the writer.
//
// Thread safety: plain values.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/ascii.h"

namespace bide::http {

// Orders the names of fields: ASCII letters without case.
struct NameLess {
  using is_transparent = void;
  [[nodiscard]] bool operator()(std::string_view left, std::string_view right) const {
    return std::lexicographical_compare(
        left.begin(), left.end(), right.begin(), right.end(),
        [](char a, char b) { return lower_case(a) < lower_case(b); });
  }
};

// Equal names keep the order in which they were added. RFC 9110 section 5.3 wants that for fields.
using Headers = std::multimap<std::string, std::string, NameLess>;
using Params = std::multimap<std::string, std::string, std::less<>>;

struct Request {
  std::string method;
  std::string target;  // As it came; `path` and `params` are decoded.
  std::string path;
  Params params;
  std::string version;  // HTTP/1.0 or HTTP/1.1.
  Headers headers;
  std::string body;

  [[nodiscard]] bool has_header(std::string_view name) const {
    return headers.find(name) != headers.end();
  }
  [[nodiscard]] bool has_param(std::string_view name) const {
    return params.find(name) != params.end();
  }
};

struct Response {
  int status = 0;  // 100..599 before it is sent.
  Headers headers;
  std::string body;

  [[nodiscard]] bool has_header(std::string_view name) const {
    return headers.find(name) != headers.end();
  }
  // Of the first line of that name; empty if there is none.
  [[nodiscard]] std::string get_header_value(std::string_view name) const {
    const auto line = headers.find(name);
    return line == headers.end() ? std::string() : line->second;
  }
  // Adds a line. The writer replaces what may not be in a value by spaces.
  void set_header(std::string_view name, std::string_view value) { headers.emplace(name, value); }
  void set_content(std::string content, std::string_view type) {
    body = std::move(content);
    const auto [first, last] = headers.equal_range("Content-Type");
    headers.erase(first, last);
    set_header("Content-Type", type);
  }
};

}  // namespace bide::http
