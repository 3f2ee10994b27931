#include "core/job/entry.h"

#include <algorithm>

namespace bide {
namespace {

constexpr std::size_t kJobIdBytesMax = 128;

// Not isalnum(): that one asks the locale.
bool is_id_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

}  // namespace

bool is_job_id(std::string_view text) {
  if (text.empty() || text.size() > kJobIdBytesMax) return false;
  if (text == "status" || text == "events") return false;
  return std::all_of(text.begin(), text.end(), is_id_char);
}

}  // namespace bide
