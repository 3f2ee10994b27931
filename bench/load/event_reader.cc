#include "bench/load/event_reader.h"

#include <charconv>
#include <utility>

namespace bench::load {

std::optional<StreamEvent> EventReader::take() {
  if (std::exchange(handed_out_, false)) {
    type_.clear();
    data_.clear();
    has_data_ = false;
  }
  while (true) {
    const std::size_t end = buffer_.find('\n', taken_);
    if (end == buffer_.npos) break;
    std::string_view line = std::string_view(buffer_).substr(taken_, end - taken_);
    taken_ = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(':')) return StreamEvent{.type = {}, .data = {}, .id = id_};
    if (!on_line(line)) continue;
    handed_out_ = true;
    if (type_.empty()) type_ = "message";
    return StreamEvent{.type = type_, .data = data_, .id = id_};
  }
  buffer_.erase(0, std::exchange(taken_, 0));
  return std::nullopt;
}

// An empty line ends an event; one without data is none.
bool EventReader::on_line(std::string_view line) {
  if (line.empty()) {
    if (!has_data_) type_.clear();
    return has_data_;
  }
  const std::size_t colon = line.find(':');
  std::string_view value = colon == line.npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  on_field(line.substr(0, colon), value);
  return false;
}

void EventReader::on_field(std::string_view name, std::string_view value) {
  if (name == "event") type_ = value;
  if (name == "id") id_ = value;
  if (name == "data") {
    if (std::exchange(has_data_, true)) data_ += '\n';
    data_ += value;
  }
  if (name == "retry") {
    std::chrono::milliseconds::rep retry = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), retry);
    if (parsed.ec == std::errc()) retry_ = std::chrono::milliseconds(retry);
  }
}

}  // namespace bench::load
