// server/net/access_logger.h: The access log: one JSON line for each request, if wanted, without
// secrets. It shows no query, no field of the request, and only paths that bide serves (`-` for all
// others).
//
// {"time":…,"level":"access","client":"127.0.0.1:41234","protocol":"HTTP/2","method":"GET",
//  "path":"/job/build-7","status":200,"bytes":711,"held":true,"ms":1204.318}
//
// Thread safety: all methods may be called from any thread; none blocks (server/log/log.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "core/base/clock.h"
#include "server/log/log.h"

namespace bide {

class Exchange;

// A path in parts, put together only for a line that is written.
struct LogPath {
  LogPath(std::string_view whole) : middle(whole) {}
  LogPath(const char* whole) : middle(whole) {}
  // `what`: a resource below the job, like `/events`.
  static LogPath of_job(std::string_view id, std::string_view what = {}) {
    LogPath path(id);
    path.begin = "/job/";
    path.end = what;
    return path;
  }

  std::string_view begin;
  std::string_view middle;
  std::string_view end;
};

class AccessLogger {
 public:
  // kSampled: every response of status 500 and up, and one in kSampleEvery of the others.
  static constexpr std::uint32_t kSampleEvery = 100;

  AccessLogger(Clock& clock, AccessLog mode) : clock_(clock), mode_(mode) {}

  // The caller owns the exchange. `bytes`: head and body.
  void response(const Exchange& exchange, int status, std::size_t bytes, LogPath path);
  // The client hung up while parked; status 499 stands for it, as in nginx.
  void gone(const Exchange& exchange);

 private:
  [[nodiscard]] bool wanted(int status);

  Clock& clock_;
  const AccessLog mode_;
  std::atomic<std::uint32_t> seen_{0};
};

}  // namespace bide
