// tests/server/stream_reader.h: A client of a stream, on either road, that takes nothing that is
// not exactly what server/sse/event_stream.h and server/websocket/web_socket_stream.h promise.
#pragma once

#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "tests/server/served_table.h"
#include "tests/server/websocket/web_socket_client.h"

namespace bide::testing {

enum class Road : std::uint8_t { kEvents, kSocket };
inline constexpr std::array kBothRoads = {Road::kEvents, Road::kSocket};
inline std::string word_of(Road road) { return road == Road::kEvents ? "events" : "ws"; }

// What a stream says. Besides records: `hb`, `ping` and `pong`, whose data is the payload; `close`
// at its proper end, with the code of a WebSocket; `broken` where it ends without.
struct Told {
  std::string event{};
  std::string id{};
  std::string data{};
  bool operator==(const Told&) const = default;

  // `job processing`, `end completed`, `gone`, `close 1000`: the event and what matters of its
  // data.
  [[nodiscard]] std::string gist() const {
    if (event == "close" && !data.empty()) return event + " " + data;
    constexpr std::string_view kStatus = "\"status\":\"";
    const std::size_t at = data.find(kStatus);
    if (at == std::string::npos) return event;
    const std::size_t begin = at + kStatus.size();
    return event + " " + data.substr(begin, data.find('"', begin) - begin);
  }
};

// `fields`: more of them, each ended by CR LF.
inline std::string stream_request(Road road, const std::string& job, const std::string& query = "",
                                  std::string_view fields = {}) {
  const std::string target = "/job/" + job + "/" + word_of(road) + query;
  if (road == Road::kSocket) return upgrade_request(target, fields);
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n" + std::string(fields) + "\r\n";
}

class StreamReader {
 public:
  // `request`: stream_request(), or one of one's own making.
  StreamReader(Client client, Road road, std::string_view request)
      : client_(std::move(client)), road_(road) {
    client_.send(request);
    head = client_.response(true);
    chunked_ = head.find("\r\nTransfer-Encoding: chunked\r\n") != std::string::npos;
  }
  // Of one job. `query`: with its question mark.
  StreamReader(const ServedTable& server, Road road, const std::string& job,
               const std::string& query = "", std::string_view fields = {})
      : StreamReader(server.dial(), road, stream_request(road, job, query, fields)) {}

  [[nodiscard]] int status() const { return head.size() < 12 ? 0 : std::stoi(head.substr(9, 3)); }
  // Of a request that was refused.
  [[nodiscard]] const std::string& body() {
    while (client_.more()) continue;
    return client_.received();
  }

  Told next() {
    std::optional<Told> told;
    while (!(told = take())) {
      if (client_.more()) continue;
      // Without chunks the end of the connection is all there is.
      const bool whole = road_ == Road::kEvents && !chunked_ && client_.at_end();
      return {.event = whole ? "close" : "broken"};
    }
    if (told->event == "close" && !client_.at_end()) told->event = "broken";
    return *told;
  }
  std::string gist() { return next().gist(); }

  Client& client() { return client_; }
  std::string head;
  std::string retry;  // Of the latest record that had one.

 private:
  // nullopt: not all of it is here.
  std::optional<Told> take() {
    if (road_ == Road::kSocket) return take_frame();
    return chunked_ ? take_chunk() : take_record();
  }

  std::optional<Told> take_chunk() {
    std::string& bytes = client_.received();
    const std::size_t line = bytes.find("\r\n");
    if (line == std::string::npos) return std::nullopt;
    const std::size_t size = std::stoul(bytes.substr(0, line), nullptr, 16);
    const std::size_t begin = line + 2;
    if (bytes.size() < begin + size + 2) return std::nullopt;
    if (bytes.substr(begin + size, 2) != "\r\n") throw std::runtime_error("chunk: no line end");
    const std::string text = bytes.substr(begin, size);
    bytes.erase(0, begin + size + 2);
    if (size == 0) return Told{.event = "close"};
    return is_only_retry(text) ? take() : record_of(text);
  }

  std::optional<Told> take_record() {
    std::string& bytes = client_.received();
    const std::size_t end = bytes.find("\n\n");
    if (end == std::string::npos) return std::nullopt;
    const std::string text = bytes.substr(0, end + 2);
    bytes.erase(0, end + 2);
    return is_only_retry(text) ? take() : record_of(text);
  }

  // Before the end of a stream that was drained. Keeps it.
  bool is_only_retry(std::string_view text) {
    const std::string time = take_line(text, "retry: ");
    if (time.empty() || text != "\n") return false;
    retry = time;
    return true;
  }

  // One whole record, its fields in their order, or a heartbeat.
  Told record_of(std::string_view text) {
    if (text == ": hb\n\n") return {.event = "hb"};
    Told told;
    retry = take_line(text, "retry: ");
    told.event = take_line(text, "event: ");
    told.id = take_line(text, "id: ");
    told.data = take_line(text, "data: ");
    if (text != "\n" || told.event.empty() || told.data.empty()) {
      throw std::runtime_error("record: not of the form it should have");
    }
    return told;
  }

  // The rest of the line if it begins so, else nothing.
  static std::string take_line(std::string_view& text, std::string_view name) {
    if (!text.starts_with(name)) return "";
    const std::size_t end = text.find('\n');
    std::string value(text.substr(name.size(), end - name.size()));
    text.remove_prefix(end + 1);
    return value;
  }

  std::optional<Told> take_frame() {
    const std::optional<ServerFrame> frame = take_server_frame(client_.received());
    if (!frame) return std::nullopt;
    if (!frame->fin) throw std::runtime_error("frame: a fragment");
    switch (frame->opcode) {
      case Opcode::kText:
        return message_of(frame->payload);
      case Opcode::kPing:
        return Told{.event = "ping", .data = frame->payload};
      case Opcode::kPong:
        return Told{.event = "pong", .data = frame->payload};
      case Opcode::kClose:
        return Told{.event = "close", .data = std::to_string(frame->close_code())};
      case Opcode::kBinary:
      case Opcode::kContinuation:
        break;
    }
    throw std::runtime_error("frame: of a kind that is never sent");
  }

  // {"event":"job","id":"<opaque tag>","data":{...}}
  static Told message_of(std::string_view text) {
    Told told;
    told.event = take_member(text, "{\"event\":\"", '"');
    told.id = take_member(text, ",\"id\":\"", '"');
    if (!text.starts_with(",\"data\":") || !text.ends_with('}')) {
      throw std::runtime_error("message: not of the form it should have");
    }
    text.remove_prefix(8);
    text.remove_suffix(1);
    told.data = text;
    return told;
  }

  static std::string take_member(std::string_view& text, std::string_view begin, char end) {
    if (!text.starts_with(begin)) return "";
    text.remove_prefix(begin.size());
    std::string value(text.substr(0, text.find(end)));
    text.remove_prefix(value.size() + 1);
    return value;
  }

  Client client_;
  Road road_;
  bool chunked_ = false;
};

}  // namespace bide::testing
