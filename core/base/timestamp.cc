#include "core/base/timestamp.h"

#include <algorithm>

#include "core/base/ascii.h"

namespace bide {
namespace {

// `0` in the shape stands for any digit, every other character for itself.
bool take_shape(std::string_view& text, std::string_view shape) {
  const auto fits = [](char wanted, char c) { return wanted == '0' ? is_digit(c) : wanted == c; };
  if (text.size() < shape.size()) return false;
  if (!std::equal(shape.begin(), shape.end(), text.begin(), fits)) return false;
  text.remove_prefix(shape.size());
  return true;
}

}  // namespace

TimestampShape shape_of_timestamp(std::string_view text) {
  if (!take_shape(text, "0000-00-00")) return TimestampShape::kNone;
  if (!take_shape(text, "T") && !take_shape(text, "t")) return TimestampShape::kNone;
  if (!take_shape(text, "00:00:00")) return TimestampShape::kNone;
  if (take_shape(text, ".")) {
    if (!take_shape(text, "0")) return TimestampShape::kNone;
    while (take_shape(text, "0")) {
    }
  }
  if (text.empty()) return TimestampShape::kWithoutZone;
  const bool zoned = text == "Z" || text == "z" ||
                     ((take_shape(text, "+00:00") || take_shape(text, "-00:00")) && text.empty());
  return zoned ? TimestampShape::kZoned : TimestampShape::kNone;
}

std::optional<WallTime> parse_timestamp(std::string_view text) {
  if (shape_of_timestamp(text) != TimestampShape::kZoned) return std::nullopt;
  const auto digits = [text](std::size_t at, std::size_t count) {
    int number = 0;
    for (const char digit : text.substr(at, count)) number = number * 10 + (digit - '0');
    return number;
  };
  using std::chrono::nanoseconds;
  const std::chrono::year_month_day day{std::chrono::year(digits(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(digits(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(digits(8, 2)))};
  const int hour = digits(11, 2);
  const int minute = digits(14, 2);
  const int second = digits(17, 2);
  const bool in_range = day.ok() && digits(0, 4) >= 1970 && digits(0, 4) <= 2261 && hour <= 23 &&
                        minute <= 59 && second <= 60;
  if (!in_range) return std::nullopt;
  std::size_t at = 19;
  std::int64_t fraction = 0;
  if (text[at] == '.') {
    std::int64_t unit = 100'000'000;
    for (++at; is_digit(text[at]); ++at, unit /= 10) fraction += (text[at] - '0') * unit;
  }
  std::chrono::minutes offset{0};
  if (text[at] == '+' || text[at] == '-') {
    if (digits(at + 1, 2) > 23 || digits(at + 4, 2) > 59) return std::nullopt;
    offset = std::chrono::hours(digits(at + 1, 2)) + std::chrono::minutes(digits(at + 4, 2));
    if (text[at] == '-') offset = -offset;
  }
  const WallTime time = std::chrono::sys_days(day) + std::chrono::hours(hour) +
                        std::chrono::minutes(minute) + std::chrono::seconds(std::min(second, 59)) +
                        nanoseconds(fraction) - offset;
  return time < WallTime{} ? std::nullopt : std::optional(time);
}

std::string with_zone(std::string timestamp) {
  // Most end with `Z`, and need no change.
  if (!timestamp.empty() && is_digit(timestamp.back()) &&
      shape_of_timestamp(timestamp) == TimestampShape::kWithoutZone) {
    timestamp += 'Z';
  }
  return timestamp;
}

}  // namespace bide
