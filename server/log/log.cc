#include "server/log/log.h"

#include <unistd.h>

#include <array>
#include <ctime>
#include <exception>

#include "core/base/json_text.h"
#include "server/log/line_writer.h"

namespace bide {
namespace {

constexpr std::size_t kQueueBytesMax = 4 << 20;
constexpr std::size_t kLineBytesExpected = 256;

WallTime wall_now() { return system_clock().wall_now(); }

LineWriter& writer() {
  // Never destroyed, because threads may log until the process ends.
  static LineWriter* const writer = new LineWriter(STDERR_FILENO, kQueueBytesMax, [](auto lines) {
    return format_log_line("warn", "log lines dropped", wall_now(), {{"lines", lines}});
  });
  return *writer;
}

std::string time_text(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time - seconds).count();
  const std::time_t unix_seconds = seconds.time_since_epoch().count();
  std::tm utc{};
  gmtime_r(&unix_seconds, &utc);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  return std::string(text.data(), size) + '.' + std::to_string(1000 + milliseconds).substr(1) + 'Z';
}

void write_value(JsonText& json, std::string_view text) { json.printable_string(text); }
void write_value(JsonText& json, bool value) { json.boolean(value); }
void write_value(JsonText& json, std::uint64_t number) { json.number(number); }
void write_value(JsonText& json, double number) { json.real(number); }

void drop_line() noexcept {
  try {
    writer().drop();
  } catch (const std::exception&) {
    // This is the first line, and there is no memory or no thread for the writer.
  }
}

void log(std::string_view level, std::string_view message, std::initializer_list<LogField> fields,
         std::uint64_t suppressed = 0) noexcept {
  try {
    writer().write(format_log_line(level, message, wall_now(), fields, suppressed));
  } catch (const std::exception&) {
    drop_line();
  }
}

}  // namespace

std::string format_log_line(std::string_view level, std::string_view message, WallTime time,
                            std::initializer_list<LogField> fields, std::uint64_t suppressed) {
  JsonText line(kLineBytesExpected);
  line.begin_object();
  line.member("time", time_text(time));
  line.member("level", level);
  line.key("msg");
  line.printable_string(message);
  const auto write = [&](const LogField& field) {
    line.key(field.name);
    std::visit([&](const auto& value) { write_value(line, value); }, field.value);
  };
  for (const LogField& field : fields) write(field);
  if (suppressed > 0) write({"suppressed", suppressed});
  line.end_object();
  return line.take();
}

void log_info(std::string_view message, std::initializer_list<LogField> fields) {
  log("info", message, fields);
}
void log_warn(std::string_view message, std::initializer_list<LogField> fields) {
  log("warn", message, fields);
}
void log_error(std::string_view message, std::initializer_list<LogField> fields) {
  log("error", message, fields);
}

std::optional<std::uint64_t> LogLimit::admit(TimePoint now) {
  const TimePoint::rep at = now.time_since_epoch().count();
  TimePoint::rep next = next_.load(std::memory_order_relaxed);
  const TimePoint::rep later = (now + std::chrono::seconds(1)).time_since_epoch().count();
  // If several threads find that the second is over, one wins the exchange and logs.
  if (at < next || !next_.compare_exchange_strong(next, later, std::memory_order_relaxed)) {
    held_back_.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  return held_back_.exchange(0, std::memory_order_relaxed);
}

void log_warn_limited(LogLimit& limit, std::string_view message,
                      std::initializer_list<LogField> fields) {
  if (const auto suppressed = limit.admit(system_clock().now())) {
    log("warn", message, fields, *suppressed);
  }
}

void log_line(std::string line) { writer().write(std::move(line)); }
void flush_log(std::chrono::milliseconds patience) { writer().flush(patience); }
std::uint64_t log_lines_dropped() { return writer().dropped(); }

}  // namespace bide
