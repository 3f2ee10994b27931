#include "server/http/http_date.h"

#include <array>
#include <ctime>

namespace bide {
namespace {

using Text = std::array<char, kHttpDateBytes>;

// Three letters for each name.
constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

char* put(char* out, std::string_view text) { return out + text.copy(out, text.size()); }

char* put_number(char* out, unsigned value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
  return out + digits;
}

// By hand: strftime asks the locale for its names, and the standard's formatter is not in this
// compiler's library yet.
void format(std::chrono::sys_seconds when, Text& text) {
  const auto midnight = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss<std::chrono::seconds> time(when - midnight);
  const std::size_t day = std::chrono::weekday(midnight).c_encoding();
  const std::size_t month = static_cast<unsigned>(date.month()) - 1;
  char* out = put(text.data(), kDays.substr(day * 3, 3));
  out = put_number(put(out, ", "), static_cast<unsigned>(date.day()), 2);
  out = put(put(put(out, " "), kMonths.substr(month * 3, 3)), " ");
  out = put_number(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  out = put_number(put(out, " "), static_cast<unsigned>(time.hours().count()), 2);
  out = put_number(put(out, ":"), static_cast<unsigned>(time.minutes().count()), 2);
  out = put_number(put(out, ":"), static_cast<unsigned>(time.seconds().count()), 2);
  put(out, " GMT");
}

}  // namespace

std::string_view http_date(std::chrono::sys_seconds when) {
  thread_local std::chrono::sys_seconds formatted = std::chrono::sys_seconds::min();
  thread_local Text text{};
  if (when != formatted) {
    format(when, text);
    formatted = when;
  }
  return {text.data(), text.size()};
}

// The coarse clock is a few milliseconds behind and costs a memory access; the precise one asks the
// processor.
std::string_view http_date_now() {
  std::timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return http_date(std::chrono::sys_seconds(std::chrono::seconds(now.tv_sec)));
}

}  // namespace bide
