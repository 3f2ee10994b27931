#include "core/job/entry.h"

#include <algorithm>

#include "core/base/ascii.h"

namespace bide {
namespace {

constexpr std::size_t kJobIdBytesMax = 128;

bool is_id_char(char c) { return is_letter_or_digit(c) || c == '_' || c == '-'; }

}  // namespace

bool is_job_id(std::string_view text) {
  if (text.empty() || text.size() > kJobIdBytesMax) return false;
  if (text == "status" || text == "events") return false;
  return std::all_of(text.begin(), text.end(), is_id_char);
}

}  // namespace bide
