#include "bench/load/chunk_reader.h"

#include <algorithm>
#include <charconv>

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

}  // namespace bench::load
