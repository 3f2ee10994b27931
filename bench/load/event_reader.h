// bench/load/event_reader.h: Takes the chunked coding off a body of text/event-stream, and cuts it
// into events.
//
// Thread safety: none; one per stream.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bench::load {

// RFC 9112 section 7.1.
class ChunkReader {
 public:
  // Appends the content of `bytes`, cut anywhere, to `body`. Dies if they are not chunked.
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

struct StreamEvent {
  // Valid until the reader's next call.
  std::string_view type;  // `message` where the server named none. Empty: a comment, a heartbeat.
  std::string_view data;  // Its lines, joined by LF.
  std::string_view id;    // The last one that the stream has named.
};

// WHATWG HTML section 9.2.6. It trusts the server in one thing: lines end in LF or CRLF, not in CR
// alone.
class EventReader {
 public:
  // Where what was read is to be appended.
  [[nodiscard]] std::string& buffer() { return buffer_; }
  // The next event or comment. nullopt: not here yet.
  [[nodiscard]] std::optional<StreamEvent> take();
  // What the stream asks for between two connections; nullopt: nothing so far.
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry() const { return retry_; }

 private:
  // True: there is something to hand out.
  bool on_line(std::string_view line);
  void on_field(std::string_view name, std::string_view value);

  std::string buffer_;
  std::size_t taken_ = 0;    // Of the buffer.
  bool handed_out_ = false;  // What follows belongs to the next event.
  bool has_data_ = false;
  std::string type_;
  std::string data_;
  std::string id_;
  std::optional<std::chrono::milliseconds> retry_;
};

}  // namespace bench::load
