// bench/load/event_reader.h: Cuts a body of text/event-stream into events (WHATWG HTML section
// 9.2.6).
//
// It trusts the server in one thing: lines end in LF or CRLF, not in CR alone.
//
// Thread safety: none; one per stream.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace bench::load {

struct StreamEvent {
  // Valid until the reader's next call.
  std::string_view type;  // `message` where the server named none. Empty: a comment, a heartbeat.
  std::string_view data;  // Its lines, joined by LF.
  std::string_view id;    // The last one that the stream has named.
};

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
