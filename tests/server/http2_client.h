// tests/server/http2_client.h: A client that speaks HTTP/2, by nghttp2, over bytes that its user
// carries.
//
// Http2Client is for tests of HTTP/2. Http2Voice lets tests that speak HTTP/1.1 speak HTTP/2: it
// takes their requests as text, and gives the responses as the text that HTTP/1.1 would have, in
// the order of the requests.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/ascii.h"
#include "core/base/c_handle.h"

namespace bide::testing {

// Whether the environment wants tests to speak HTTP/2. What only HTTP/1.1 has is skipped then.
inline bool speak_http2() {
  static const bool wanted = std::getenv("TESTED_HTTP2") != nullptr;
  return wanted;
}

class Http2Client {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  struct Answer {
    int status = 0;
    Fields fields;
    std::string body;
    bool headed = false;                 // Its head has come.
    std::optional<std::uint32_t> ended;  // The error code it was closed with.

    [[nodiscard]] std::string field(std::string_view name) const {
      for (const auto& [other, value] : fields) {
        if (other == name) return value;
      }
      return "";
    }
  };
  using Send = std::function<void(std::string_view)>;

  // `window`: how much of each response may come, until widen(); nullopt: all.
  explicit Http2Client(Send send, std::optional<std::uint32_t> window = std::nullopt)
      : send_(std::move(send)) {
    nghttp2_session_callbacks* made = nullptr;
    nghttp2_session_callbacks_new(&made);
    const CHandle<nghttp2_session_callbacks, nghttp2_session_callbacks_del> callbacks(made);
    nghttp2_session_callbacks_set_on_header_callback(made, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, on_close);
    nghttp2_session* session = nullptr;
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    const CHandle<nghttp2_option, nghttp2_option_del> options(option);
    if (window) nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_session_client_new2(&session, made, this, option);
    session_.reset(session);
    std::vector<nghttp2_settings_entry> ours = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
    if (window) ours.push_back({NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, *window});
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, ours.data(), ours.size());
    flush();
  }

  static Fields get(const std::string& target, Fields more = {},
                    const std::string& method = "GET") {
    Fields fields = {
        {":method", method}, {":scheme", "http"}, {":authority", "test"}, {":path", target}};
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
  }
  // Sends a request with this content. `open`: its end is not sent. Returns the stream's number.
  std::int32_t ask(const Fields& fields, const std::string& content = "", bool open = false,
                   bool at_once = true) {
    std::vector<nghttp2_nv> pairs;
    for (const auto& [name, value] : fields) {
      pairs.push_back(
          {bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    auto& out = outgoing_.emplace_back(Outgoing{content, open});
    nghttp2_data_provider body{{.ptr = &out}, read};
    const std::int32_t id =
        nghttp2_submit_request(session_.get(), nullptr, pairs.data(), pairs.size(),
                               content.empty() && !open ? nullptr : &body, nullptr);
    if (id < 0) throw std::runtime_error(nghttp2_strerror(id));
    answers_[id];
    if (at_once) flush();
    return id;
  }
  void reset(std::int32_t id, std::uint32_t error = NGHTTP2_CANCEL) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, error);
    flush();
  }
  void ping() {
    nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
    flush();
  }
  // Lets the server send more of the stream's body; 0: of all streams.
  void widen(std::int32_t id, std::int32_t bytes) {
    nghttp2_submit_window_update(session_.get(), NGHTTP2_FLAG_NONE, id, bytes);
    flush();
  }
  // The server's bytes. False: they break the rules.
  bool take(std::string_view bytes) {
    const ssize_t taken = nghttp2_session_mem_recv(
        session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    flush();
    return taken >= 0;
  }
  void send_by(Send send) { send_ = std::move(send); }
  void flush() {
    for (;;) {
      const std::uint8_t* bytes = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
      if (size <= 0) return;
      send_({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
    }
  }

  Answer& of(std::int32_t id) { return answers_.at(id); }
  struct Goodbye {
    std::uint32_t error;
    std::int32_t last_stream;
  };
  std::vector<Goodbye> goodbyes;  // Each GOAWAY.
  std::map<std::int32_t, std::uint32_t> settings;
  int pongs = 0;

 private:
  struct Outgoing {
    std::string content;
    bool open;
    std::size_t sent = 0;
  };
  static std::uint8_t* bytes_of(const std::string& text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
  }
  static Http2Client& self_of(void* self) { return *static_cast<Http2Client*>(self); }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* self) {
    Answer& answer = self_of(self).answers_[frame->hd.stream_id];
    std::string field(reinterpret_cast<const char*>(name), name_size);
    std::string text(reinterpret_cast<const char*>(value), value_size);
    if (field == ":status") {
      answer.status = std::stoi(text);
      answer.fields.clear();  // Those of an interim response.
    } else {
      answer.fields.emplace_back(std::move(field), std::move(text));
    }
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    Http2Client& client = self_of(self);
    if (frame->hd.type == NGHTTP2_HEADERS) {
      Answer& answer = client.answers_[frame->hd.stream_id];
      answer.headed = answer.status >= 200;
    }
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      client.goodbyes.push_back({frame->goaway.error_code, frame->goaway.last_stream_id});
    }
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) ++client.pongs;
    if (frame->hd.type == NGHTTP2_SETTINGS) {
      for (std::size_t i = 0; i < frame->settings.niv; ++i) {
        client.settings[frame->settings.iv[i].settings_id] = frame->settings.iv[i].value;
      }
    }
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                     std::size_t size, void* self) {
    self_of(self).answers_[id].body.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* self) {
    self_of(self).answers_[id].ended = error;
    return 0;
  }
  static ssize_t read(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t size,
                      std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& outgoing = *static_cast<Outgoing*>(source->ptr);
    const std::size_t bytes =
        outgoing.content.copy(reinterpret_cast<char*>(out), size, outgoing.sent);
    outgoing.sent += bytes;
    const bool all = outgoing.sent == outgoing.content.size();
    if (all && !outgoing.open) *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (bytes == 0 && outgoing.open) return NGHTTP2_ERR_DEFERRED;
    return static_cast<ssize_t>(bytes);
  }

  Send send_;
  CHandle<nghttp2_session, nghttp2_session_del> session_;
  std::map<std::int32_t, Answer> answers_;
  std::deque<Outgoing> outgoing_;
};

class Http2Voice {
 public:
  explicit Http2Voice(Http2Client::Send send) : client_(std::move(send)) {}

  // Whether these bytes begin a request that HTTP/2 has.
  static bool can_say(std::string_view bytes) {
    return bytes.find("\r\n\r\n") != std::string_view::npos &&
           bytes.find("Upgrade: websocket") == std::string_view::npos;
  }

  void send_by(Http2Client::Send send) { client_.send_by(std::move(send)); }
  void send(std::string_view bytes) {
    text_ += bytes;
    for (std::size_t end = 0; (end = text_.find("\r\n\r\n")) != std::string::npos;) {
      const std::string head = text_.substr(0, end + 2);
      std::size_t content = 0;
      Http2Client::Fields fields = fields_of(head, content);
      if (text_.size() < end + 4 + content) return;
      const std::string body = text_.substr(end + 4, content);
      text_.erase(0, end + 4 + content);
      waiting_.push_back(client_.ask(fields, body));
    }
  }
  // Appends what the server's bytes say to `out`.
  void take(std::string_view bytes, std::string& out) {
    if (!bytes.empty() && !client_.take(bytes)) throw std::runtime_error("not HTTP/2");
    while (!waiting_.empty()) {
      Http2Client::Answer& answer = client_.of(waiting_.front());
      if (!answer.headed && !answer.ended) return;
      if (answer.headed && !std::exchange(told_head_, true)) tell_head(answer, out);
      out += std::exchange(answer.body, {});
      if (!answer.ended) return;
      waiting_.pop_front();
      told_head_ = false;
      ++ended_;
    }
  }
  // All that was asked is answered, completely.
  [[nodiscard]] bool at_end() const { return waiting_.empty() && ended_ > 0; }

 private:
  static Http2Client::Fields fields_of(std::string_view head, std::size_t& content) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const std::size_t method_end = line.find(' ');
    const std::size_t target_end = line.rfind(' ');
    Http2Client::Fields fields =
        Http2Client::get(std::string(line.substr(method_end + 1, target_end - method_end - 1)), {},
                         std::string(line.substr(0, method_end)));
    head.remove_prefix(line.size() + 2);
    while (!head.empty()) {
      const std::string_view field = head.substr(0, head.find("\r\n"));
      head.remove_prefix(field.size() + 2);
      const std::size_t colon = field.find(':');
      const std::string name = lower_case(field.substr(0, colon));
      std::string value(field.substr(colon + 1));
      value.erase(0, value.find_first_not_of(' '));
      if (name == "content-length") content = std::stoul(value);
      if (name == "connection") continue;
      if (name == "host") {
        fields[2].second = value;
      } else {
        fields.emplace_back(name, value);
      }
    }
    return fields;
  }
  static void tell_head(const Http2Client::Answer& answer, std::string& out) {
    out += "HTTP/1.1 " + std::to_string(answer.status) + " ?\r\n";
    for (const auto& [name, value] : answer.fields) {
      std::string shown = name;
      bool begins = true;
      for (char& byte : shown) {
        if (begins && byte >= 'a' && byte <= 'z') byte = static_cast<char>(byte - 'a' + 'A');
        begins = byte == '-';
      }
      if (shown == "Etag") shown = "ETag";
      if (shown == "Www-Authenticate") shown = "WWW-Authenticate";
      out += shown + ": " + value + "\r\n";
    }
    out += "\r\n";
  }

  Http2Client client_;
  std::string text_;
  std::deque<std::int32_t> waiting_;
  bool told_head_ = false;
  int ended_ = 0;
};

}  // namespace bide::testing
