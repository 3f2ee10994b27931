// server/log/log.h: The server's log: one JSON object on each line of stderr,
// {"time":"2026-01-31T12:00:00.123Z","level":"info","msg":"…", fields…}.
//
// No caller waits for stderr (LineWriter), and no function throws for want of memory: the line is
// dropped and counted. Callers must not log secrets; they redact URLs
// (server/nats/login/nats_url.h).
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
  kSampled,  // All errors, and one of a hundred other requests.
  kAll,
};

struct LogField {
  std::string_view name;
  std::variant<std::string_view, std::uint64_t, double, bool> value;
};

void log_info(std::string_view message, std::initializer_list<LogField> fields = {});
void log_warn(std::string_view message, std::initializer_list<LogField> fields = {});
void log_error(std::string_view message, std::initializer_list<LogField> fields = {});

// Limits a call site, which has one as a static, to one line a second, and counts the others.
class LogLimit {
 public:
  // The number of suppressed lines since the last logged one. nullopt: suppress this line, too.
  [[nodiscard]] std::optional<std::uint64_t> admit(TimePoint now);

 private:
  std::atomic<TimePoint::rep> next_{TimePoint::min().time_since_epoch().count()};
  std::atomic<std::uint64_t> held_back_{0};
};

// log_warn(), at most once a second for `limit`. The field `suppressed` has the number of lines
// that were left out.
void log_warn_limited(LogLimit& limit, std::string_view message,
                      std::initializer_list<LogField> fields = {});

// Logs a line that is a complete JSON object already, for the access log.
void log_line(std::string line);

// Blocks until the log is written, for `patience` at most. main calls it before it returns.
void flush_log(std::chrono::milliseconds patience);
// The number of lines that were dropped.
[[nodiscard]] std::uint64_t log_lines_dropped();

// The line that log_info() and the others write, without the line end. `level`: `info`, `warn` or
// `error`. Message and values may be any text: see JsonText::printable_string().
[[nodiscard]] std::string format_log_line(std::string_view level, std::string_view message,
                                          WallTime time, std::initializer_list<LogField> fields,
                                          std::uint64_t suppressed = 0);

}  // namespace bide
