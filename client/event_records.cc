#include "client/event_records.h"

#include <utility>

namespace bide {

bool EventRecords::feed(std::string_view bytes, const std::function<bool(const Record&)>& take) {
  for (;;) {
    const std::size_t end = bytes.find('\n');
    if (unread_.size() + record_.data.size() + bytes.substr(0, end).size() > kRecordBytesMax) {
      return false;
    }
    unread_ += bytes.substr(0, end);
    if (end == std::string_view::npos) return true;
    bytes.remove_prefix(end + 1);
    std::string text = std::exchange(unread_, {});
    if (!text.empty() && text.back() == '\r') text.pop_back();
    if (!line(text, take)) return false;
  }
}

bool EventRecords::line(std::string_view text, const std::function<bool(const Record&)>& take) {
  if (text.empty()) {
    const Record record = std::exchange(record_, {});
    return !std::exchange(any_, false) || take(record);
  }
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  std::string_view value =
      colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "event") {
    record_.event = value;
  } else if (name == "id") {
    record_.id = value;
  } else if (name == "data") {
    if (!record_.data.empty()) record_.data += '\n';
    record_.data += value;
  } else {
    return true;  // `retry`, or a comment.
  }
  any_ = true;
  return true;
}

}  // namespace bide
