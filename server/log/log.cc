#include "server/log/log.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <exception>

#include "core/base/printable.h"
#include "server/log/line_writer.h"

namespace bide {
namespace {

constexpr std::size_t kQueueBytesMax = 4 << 20;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

WallTime wall_now() { return system_clock().wall_now(); }

LineWriter& writer() {
  // Never destroyed: threads may log until the very end of the process.
  static LineWriter* const writer = new LineWriter(STDERR_FILENO, kQueueBytesMax, [](auto lines) {
    return format_log_line("warn", "log lines dropped", wall_now(), {{"lines", lines}});
  });
  return *writer;
}

void append_escaped(std::string& out, char32_t code_point) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u";
  for (const int shift : {12, 8, 4, 0}) out += kHex[code_point >> shift & 15];
}

void append_time(std::string& out, WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time - seconds).count();
  const std::time_t unix_seconds = seconds.time_since_epoch().count();
  std::tm utc{};
  gmtime_r(&unix_seconds, &utc);
  std::array<char, 32> text{};
  out.append(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc));
  const std::string digits = std::to_string(1000 + milliseconds);
  out += '.';
  out.append(digits, 1);
  out += 'Z';
}

template <typename Number>
void append_number(std::string& out, Number number) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
  out.append(text.data(), end);
}

struct AppendValue {
  std::string& out;
  void operator()(std::string_view text) const { append_json_string(out, text); }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(std::uint64_t number) const { append_number(out, number); }
  void operator()(double number) const {
    // JSON has no infinity.
    if (std::isfinite(number)) {
      append_number(out, number);
    } else {
      out += "null";
    }
  }
};

void drop_line() noexcept {
  try {
    writer().drop();
  } catch (const std::exception&) {
    // It would be the first line, and there is no memory or no thread for the writer.
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

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const Character first = first_character(text);
    if (!first.valid) {
      out += kReplacement;
    } else if (first.code_point == '"' || first.code_point == '\\') {
      out += '\\';
      out += text.front();
    } else if (first.code_point == '\n') {
      out += "\\n";
    } else if (!is_printable(first.code_point)) {
      append_escaped(out, first.code_point);  // All of these are below U+10000.
    } else {
      out += text.substr(0, first.bytes);
    }
    text.remove_prefix(first.bytes);
  }
  out += '"';
}

std::string format_log_line(std::string_view level, std::string_view message, WallTime time,
                            std::initializer_list<LogField> fields, std::uint64_t suppressed) {
  std::string line = "{\"time\":\"";
  append_time(line, time);
  line += "\",\"level\":\"";
  line += level;
  line += "\",\"msg\":";
  append_json_string(line, message);
  const auto append_field = [&](const LogField& field) {
    line += ',';
    append_json_string(line, field.name);
    line += ':';
    std::visit(AppendValue{line}, field.value);
  };
  for (const LogField& field : fields) append_field(field);
  if (suppressed > 0) append_field({"suppressed", suppressed});
  line += '}';
  return line;
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
  // Of several threads that find the second over, one wins the exchange and logs.
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
