// bench/load/chunk_reader.h: Takes the chunked transfer coding off a body (RFC 9112 section 7.1).
//
// Thread safety: none; one per body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bench::load {

class ChunkReader {
 public:
  // Appends to `body` what `bytes`, cut anywhere, carry of it. Dies on what is not chunked.
  void feed(std::string_view bytes, std::string& body);
  // The last chunk and the trailer section have come.
  [[nodiscard]] bool is_over() const { return expected_ == Expected::kNothing; }

 private:
  enum class Expected : std::uint8_t { kSize, kData, kDataEnd, kTrailer, kNothing };

  void on_line(std::string_view line);
  void begin_chunk(std::string_view size);

  Expected expected_ = Expected::kSize;
  std::string line_;      // What has come of the line that is expected.
  std::size_t left_ = 0;  // Of the chunk's data.
};

}  // namespace bench::load
