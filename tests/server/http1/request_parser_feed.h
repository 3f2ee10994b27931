// tests/server/http1/request_parser_feed.h: Drives the request parser as a connection does, and
// records its output.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http1/request_parser.h"

namespace bide {

struct Passed {
  std::string method, target, path, version;
  std::vector<std::pair<std::string, std::string>> headers, params;
  bool operator==(const Passed&) const = default;
};

struct Feeding {
  std::vector<Passed> requests;
  int status = 0;  // Of the refusal that ended it; 0: none.
  std::string detail;
  std::size_t left_bytes = 0;   // Fed, and part of no request yet. 0 once refused.
  std::size_t kept_bytes = 0;   // In the connection's buffer at the end.
  int continues = 0;            // How often the client was told to go on.
  std::size_t buffer_peak = 0;  // The most that had to be kept between reads.

  // Whatever depends on the bytes only, and not on how they were cut.
  bool same_verdict(const Feeding& other) const {
    return requests == other.requests && status == other.status && detail == other.detail &&
           left_bytes == other.left_bytes;
  }
};

inline Passed admitted(const http::Request& request) {
  return {request.method,
          request.target,
          request.path,
          request.version,
          {request.headers.begin(), request.headers.end()},
          {request.params.begin(), request.params.end()}};
}

// A request with these field lines, each ended by CR LF, after its Host.
inline std::string with_fields(std::string_view fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

inline std::string chunked(std::string_view body) {
  return with_fields("Transfer-Encoding: chunked\r\n") + std::string(body);
}

// What another connection leaves in the request that all connections of a thread share.
inline void dirty(http::Request& request) {
  request.method = "DIRTY";
  request.target = request.path = request.version = request.body = "dirty";
  request.headers.emplace("Dirty", "1");
  request.params.emplace("dirty", "1");
}

// Feeds `reads` one after the other, each as one read of the socket.
inline Feeding feed(const std::vector<std::string_view>& reads) {
  Feeding result;
  Progress progress;
  http::Request request;
  std::string buffer;
  for (const std::string_view read : reads) {
    buffer.append(read);
    result.left_bytes += read.size();
    for (;;) {
      dirty(request);
      const std::size_t before = buffer.size();
      const Step step = advance(buffer, progress, request);
      if (step.need == Step::Need::kReject) {
        result.status = step.status;
        result.detail = step.detail;
        result.left_bytes = 0;
        return result;
      }
      if (step.need == Step::Need::kMore) {
        result.continues += step.wants_continue ? 1 : 0;
        buffer.resize(step.keep_bytes);
        break;
      }
      if (step.need == Step::Need::kBulk) {
        buffer.erase(step.keep_bytes, step.consumed_bytes - step.keep_bytes);
        continue;
      }
      result.requests.push_back(admitted(request));
      buffer.erase(0, step.consumed_bytes);
      result.left_bytes = buffer.size();
      if (before == step.consumed_bytes) break;
    }
    result.buffer_peak = std::max(result.buffer_peak, buffer.size());
  }
  result.kept_bytes = buffer.size();
  return result;
}

inline Feeding feed(std::string_view whole) { return feed(std::vector<std::string_view>{whole}); }

// As one request, and no more.
inline bool accepts(std::string_view bytes) { return feed(bytes).requests.size() == 1; }

inline Feeding feed_bytewise(std::string_view whole) {
  std::vector<std::string_view> reads;
  for (std::size_t i = 0; i < whole.size(); ++i) reads.push_back(whole.substr(i, 1));
  return feed(reads);
}

}  // namespace bide
