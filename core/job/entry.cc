#include "core/job/entry.h"

#include <algorithm>

#include "core/base/ascii.h"

namespace bide {

bool is_id_char(char c) { return is_letter_or_digit(c) || c == '_' || c == '-'; }

bool is_job_id(std::string_view text) {
  if (text.empty() || text.size() > kJobIdBytesMax) return false;
  if (text == "status" || text == "events") return false;
  return std::all_of(text.begin(), text.end(), is_id_char);
}

}  // namespace bide
