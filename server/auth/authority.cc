#include "server/auth/authority.h"

#include <algorithm>

#include "core/job/entry.h"

namespace bide {

bool JobScope::is_pattern(std::string_view text) {
  if (text == "*" || is_job_id(text)) return true;
  if (!text.ends_with('*')) return false;
  text.remove_suffix(1);
  // `status` is no id, but ids may begin with it.
  return is_job_id(std::string("x").append(text)) || text.empty();
}

bool JobScope::covers(std::string_view id) const {
  return std::any_of(patterns_.begin(), patterns_.end(), [id](std::string_view pattern) {
    if (!pattern.ends_with('*')) return id == pattern;
    pattern.remove_suffix(1);
    return id.starts_with(pattern);
  });
}

}  // namespace bide
