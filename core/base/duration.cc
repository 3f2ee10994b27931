#include "core/base/duration.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/base/ascii.h"

namespace bide {
namespace {

constexpr std::size_t kTextBytesMax = 32;
constexpr std::size_t kFractionDigitsMax = 3;

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
// From large to small, the order in which a duration must name them.
constexpr std::array<Unit, 4> kUnits = {{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::size_t kSeconds = 2;

std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

// Saturates at kDurationMax's count: hours of that many still fit an int64 of milliseconds.
std::int64_t saturated_value(std::string_view digits) {
  std::int64_t value = 0;
  for (const char digit : digits) {
    value = std::min<std::int64_t>(value * 10 + (digit - '0'), kDurationMax.count());
  }
  return value;
}

struct Number {
  std::int64_t whole = 0;
  std::int64_t thousandths = 0;
  bool fractional = false;
};

std::optional<Number> take_number(std::string_view& text) {
  const std::string_view whole = take_digits(text);
  if (whole.empty()) return std::nullopt;
  Number number{.whole = saturated_value(whole)};
  if (!text.starts_with('.')) return number;
  text.remove_prefix(1);
  std::string fraction(take_digits(text));
  if (fraction.empty() || fraction.size() > kFractionDigitsMax) return std::nullopt;
  fraction.resize(kFractionDigitsMax, '0');
  number.thousandths = saturated_value(fraction);
  number.fractional = true;
  return number;
}

// The index in kUnits; its size if `text` begins with no unit.
std::size_t take_unit(std::string_view& text) {
  std::size_t best = kUnits.size();
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    if (text.starts_with(kUnits[i].name)) best = i;  // `ms` comes after `m`, so the longer wins.
  }
  if (best < kUnits.size()) text.remove_prefix(kUnits[best].name.size());
  return best;
}

// `whole` and `fraction / 10^digits`, without trailing zeros.
void append_decimal(std::string& out, std::uint64_t whole, std::uint64_t fraction, int digits) {
  out += std::to_string(whole);
  if (fraction == 0) return;
  std::string tail = std::to_string(fraction);
  tail.insert(0, static_cast<std::size_t>(digits) - tail.size(), '0');
  tail.erase(tail.find_last_not_of('0') + 1);
  out += '.';
  out += tail;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text.empty() || text.size() > kTextBytesMax) return std::nullopt;
  std::int64_t total = 0;
  std::size_t smallest_allowed = 0;
  while (!text.empty()) {
    const std::optional<Number> number = take_number(text);
    if (!number) return std::nullopt;
    const bool bare = text.empty() && smallest_allowed == 0;
    const std::size_t unit = bare ? kSeconds : take_unit(text);
    if (unit == kUnits.size() || unit < smallest_allowed) return std::nullopt;
    if (number->fractional && !text.empty()) return std::nullopt;
    smallest_allowed = unit + 1;
    // A fraction of a millisecond is cut off: a wait is an upper bound.
    total += number->whole * kUnits[unit].milliseconds +
             number->thousandths * kUnits[unit].milliseconds / 1000;
  }
  return std::min(std::chrono::milliseconds(total), kDurationMax);
}

std::string format_duration(std::chrono::nanoseconds duration) {
  constexpr std::uint64_t kMicro = 1'000, kMilli = 1'000'000, kSecond = 1'000'000'000;
  std::string out;
  auto nanos = static_cast<std::uint64_t>(duration.count());
  if (duration.count() < 0) {
    out += '-';
    nanos = 0 - nanos;  // In unsigned arithmetic, where the smallest int64 has a negative, too.
  }
  if (nanos == 0) return "0s";
  if (nanos < kMicro) return out + std::to_string(nanos) + "ns";
  if (nanos < kMilli) {
    append_decimal(out, nanos / kMicro, nanos % kMicro, 3);
    return out + "µs";
  }
  if (nanos < kSecond) {
    append_decimal(out, nanos / kMilli, nanos % kMilli, 6);
    return out + "ms";
  }
  const std::uint64_t seconds = nanos / kSecond;
  if (seconds >= 3600) out += std::to_string(seconds / 3600) + "h";
  if (seconds >= 60) out += std::to_string(seconds / 60 % 60) + "m";
  append_decimal(out, seconds % 60, nanos % kSecond, 9);
  return out + "s";
}

}  // namespace bide
