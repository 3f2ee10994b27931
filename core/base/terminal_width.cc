#include "core/base/terminal_width.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

namespace bide {

std::size_t columns_of(int fd) {
  constexpr std::size_t kColumnsMin = 20;
  constexpr std::size_t kColumnsMax = 1000;
  const char* const variable = std::getenv("COLUMNS");
  const std::string_view text = variable == nullptr ? "" : variable;
  std::size_t columns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), columns);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  if (is_number && columns >= kColumnsMin) return std::min(columns, kColumnsMax);
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return std::min<std::size_t>(size.ws_col, kColumnsMax);
}

}  // namespace bide
