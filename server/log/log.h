// server/log/log.h: The server's log: one JSON object a line on stderr,
// {"time":"2026-01-31T12:00:00.123Z","level":"info","msg":"…", fields…}.
//
// No caller ever waits for stderr: see LineWriter. Secrets are the caller's care: URLs go in
// redacted (server/nats/login/nats_url.h).
//
// Thread safety: all functions may be called from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/clock.h"

namespace bide {

// Which requests are logged (server/net/access_logger.h).
enum class AccessLog : std::uint8_t {
  kOff,
  kSampled,  // Every error, and one in a hundred of the others.
  kAll,
};

struct LogField {
  std::string_view name;
  std::variant<std::string_view, std::uint64_t, double, bool> value;
};

void log_info(std::string_view message, std::initializer_list<LogField> fields = {});
void log_warn(std::string_view message, std::initializer_list<LogField> fields = {});
void log_error(std::string_view message, std::initializer_list<LogField> fields = {});

// One per call site (a static): lets one line a second through and counts the others.
class LogLimit {
 public:
  // How many were held back since the last that got through; nullopt: hold this one back, too.
  [[nodiscard]] std::optional<std::uint64_t> admit(TimePoint now);

 private:
  std::atomic<TimePoint::rep> next_{TimePoint::min().time_since_epoch().count()};
  std::atomic<std::uint64_t> held_back_{0};
};

// log_warn() at most once a second for `limit`; `suppressed` tells how many lines that left out.
void log_warn_limited(LogLimit& limit, std::string_view message,
                      std::initializer_list<LogField> fields = {});

// A line that is a complete JSON object already: the access log's.
void log_line(std::string line);

// Waits until the log is written, `patience` at most; main calls it before it returns.
void flush_log(std::chrono::milliseconds patience);
// Lines that stderr did not take.
[[nodiscard]] std::uint64_t log_lines_dropped();

// The line of log_info() and its like, without the line end; `level` is `info`, `warn` or `error`.
// Message and values may be whatever somebody wrote: see JsonText::printable_string().
[[nodiscard]] std::string format_log_line(std::string_view level, std::string_view message,
                                          WallTime time, std::initializer_list<LogField> fields,
                                          std::uint64_t suppressed = 0);

}  // namespace bide
