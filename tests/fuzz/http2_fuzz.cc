// What a client of HTTP/2 sends behind nghttp2's framing: requests that are refused, served at
// once, held, streamed, cancelled, or never complete. The books of a session fit together whatever
// comes, each exchange ends once, and a refused request has a status.
//
// Input: a byte that decides the cuts; then steps, each of a byte for what, one for the stream, one
// for the length, and so many bytes:
//   0..7   a request with the fields "name: value", one a line, compressed; bit 0: ended
//   others a frame of the type (what - 8), with its first byte as the flags
#include <nghttp2/nghttp2.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "server/api/protocols.h"
#include "server/http2/http2_session.h"
#include "tests/fuzz/fuzz_input.h"

using namespace bide;
using namespace bide::fuzz;

namespace {

// What a session needs around it. No thread is started, and no socket is open.
struct Around {
  HttpMetrics metrics;
  AccessLogger access_logger{system_clock(), AccessLog::kOff};
  Front front{system_clock(), {}, metrics, access_logger};
  JobTable table{system_clock(), {}, nullptr};
  Protocols protocols{front, table, [](const http::Request&, Exchange&) {}};

  Around() { front.start(protocols.all(), 1); }
};

// Answers by the stream's number: at once, much, never, or as a stream that goes on.
class Script final : public Http2Session::Handler {
 public:
  void serve(Http2Exchange& exchange, const http::Request& request,
             const std::optional<std::string>& host) override {
    demand(open_.insert(&exchange).second, "an exchange is served once");
    demand(request.path.starts_with('/') || request.path == "*", "a request has a path");
    demand(request.body.size() <= std::size_t{1} << 20U, "content has a limit");
    demand(!host || host->size() < 25'000, "a host has a limit");
    switch (exchange.stream_id / 2 % 4) {
      case 0:
        return respond(exchange, "x", true);
      case 1:
        return respond(exchange, std::string(100'000, 'y'), true);
      case 2:
        return;  // Held.
      default:
        return respond(exchange, "data: 1\n\n", false);
    }
  }
  void reject(Http2Exchange& exchange, const Refusal& refusal, std::string_view method) override {
    demand(refusal.status >= 400 && refusal.status < 600, "a refusal has a status");
    demand(method.size() < 25'000, "a method has a limit");
    open_.insert(&exchange);
    respond(exchange, refusal.detail, true);
  }
  void end(Http2Exchange& exchange) noexcept override {
    open_.erase(&exchange);
    exchange.connection().front->sender().drop_unsent(exchange);
    delete &exchange;
  }

  Http2Session* session = nullptr;

 private:
  void respond(Http2Exchange& exchange, std::string body, bool last) {
    exchange.last = last;
    exchange.unsent = std::make_unique<Unsent>(
        Message{.text = body, .owner = nullptr, .body = {}, .tail = {}}, nullptr);
    session->respond(exchange,
                     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n");
  }

  std::set<const Http2Exchange*> open_;
};

std::string frame_of(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                     std::string_view payload) {
  std::string bytes;
  for (const unsigned shift : {16U, 8U, 0U}) bytes += static_cast<char>(payload.size() >> shift);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  for (const unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>(stream >> shift);
  return bytes.append(payload);
}

std::string block_of(std::string_view lines, nghttp2_hd_deflater* deflater) {
  std::vector<nghttp2_nv> fields;
  const auto bytes = [](std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
  };
  while (!lines.empty()) {
    std::string_view value = take_until(lines, "\n");
    const std::size_t colon = value.find(':', 1);
    const std::string_view name = value.substr(0, colon);
    value.remove_prefix(colon == std::string_view::npos ? value.size() : colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    fields.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  std::string block(nghttp2_hd_deflate_bound(deflater, fields.data(), fields.size()), '\0');
  const ssize_t size =
      nghttp2_hd_deflate_hd(deflater, bytes(block), block.size(), fields.data(), fields.size());
  block.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return block;
}

std::string wire_of(std::string_view steps) {
  std::string wire = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame_of(NGHTTP2_SETTINGS, 0, 0, "");
  nghttp2_hd_deflater* deflater = nullptr;
  nghttp2_hd_deflate_new(&deflater, 4096);
  while (steps.size() >= 3) {
    const auto what = static_cast<std::uint8_t>(steps[0]);
    const auto stream = static_cast<std::uint8_t>(steps[1]);
    const auto length = static_cast<std::uint8_t>(steps[2]);
    const std::string_view payload = steps.substr(3, length);
    steps.remove_prefix(3 + payload.size());
    if (what < 8) {
      constexpr std::uint8_t kEndHeaders = 4;
      const auto flags = static_cast<std::uint8_t>(kEndHeaders | (what & 1U));
      wire += frame_of(NGHTTP2_HEADERS, flags, stream, block_of(payload, deflater));
    } else {
      const auto flags = static_cast<std::uint8_t>(payload.empty() ? 0 : payload[0]);
      wire += frame_of(static_cast<std::uint8_t>(what - 8), flags, stream,
                       payload.substr(payload.empty() ? 0 : 1));
    }
  }
  nghttp2_hd_deflate_del(deflater);
  return wire;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Around around;
  static ConnectionSlots slots;
  if (size == 0) return 0;
  const std::string wire = wire_of(text_of(data, size).substr(1));
  Connection& connection = *slots.acquire();
  connection.front = &around.front;
  connection.http2 = true;
  {
    Script script;
    Http2Session session(connection, script, 20);
    script.session = &session;
    std::string out;
    bool goes_on = true;
    for (const std::string_view piece : cut(wire, data[0])) {
      if (goes_on) goes_on = session.receive(piece);
      out.clear();
      demand(session.fill(out) || !goes_on, "what is to be sent can be written");
      demand(session.open() <= 20, "no more are open than may be");
      demand(session.incoming() <= session.open(), "only open ones are incomplete");
      demand(session.kept_bytes() < (std::size_t{20} << 20U) + 200'000, "what is kept has a limit");
      if (!session.bulk.alone()) {
        session.serve_bulk(static_cast<Http2Exchange&>(*session.bulk.after));
      }
      while (!session.drained.alone()) {
        auto& exchange = static_cast<Http2Exchange&>(*session.drained.after);
        exchange.last = true;
        session.go_on(exchange);
      }
    }
    session.expire_incoming(kEndOfTime);
    demand(session.incoming() == 0, "what is late ends");
  }
  slots.release(connection);
  return 0;
}
