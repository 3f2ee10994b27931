#include "bench/load/event_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "bench/kit/address.h"

namespace bench::load {

void ChunkReader::feed(std::string_view bytes, std::string& body) {
  while (!bytes.empty() && !is_over()) {
    if (expected_ == Expected::kData) {
      const std::size_t size = std::min(left_, bytes.size());
      body += bytes.substr(0, size);
      bytes.remove_prefix(size);
      left_ -= size;
      if (left_ == 0) expected_ = Expected::kDataEnd;
      continue;
    }
    const std::size_t end = bytes.find('\n');
    line_ += bytes.substr(0, end);
    if (end == bytes.npos) return;
    bytes.remove_prefix(end + 1);
    if (!line_.ends_with('\r')) die("not the chunked coding: a line ends without CR");
    line_.pop_back();
    on_line(line_);
    line_.clear();
  }
}

void ChunkReader::on_line(std::string_view line) {
  switch (expected_) {
    case Expected::kSize:
      return begin_chunk(line);
    case Expected::kDataEnd:
      if (!line.empty()) die("not the chunked coding: a chunk is longer than it says");
      expected_ = Expected::kSize;
      return;
    case Expected::kTrailer:
      if (line.empty()) expected_ = Expected::kNothing;
      return;
    case Expected::kData:
    case Expected::kNothing:
      return;
  }
}

void ChunkReader::begin_chunk(std::string_view size) {
  const auto parsed = std::from_chars(size.data(), size.data() + size.size(), left_, 16);
  if (parsed.ec != std::errc())
    die("not the chunked coding: a chunk's size is " + std::string(size));
  expected_ = left_ == 0 ? Expected::kTrailer : Expected::kData;
}

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
