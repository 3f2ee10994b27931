#include "server/sse/event_stream.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <random>
#include <string>

namespace bide {
namespace {

// At random, from kRetrySpreadMin to kRetry.
std::int64_t spread_retry_ms() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_int_distribution<std::int64_t>(EventStream::kRetrySpreadMin.count(),
                                                     EventStream::kRetry.count())(generator);
}

void append_chunk_size(std::string& out, std::size_t bytes) {
  std::array<char, 16> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), bytes, 16);
  out.append(digits.data(), end);
  out += "\r\n";
}

}  // namespace

http::Response EventStream::take_head() {
  http::Response response;
  response.status = 200;
  response.set_header("Content-Type", "text/event-stream; charset=utf-8");
  response.set_header("Cache-Control", "no-store, no-transform");
  response.set_header("X-Accel-Buffering", "no");  // nginx: pass bytes on at once.
  if (chunked_) response.set_header("Transfer-Encoding", "chunked");
  return response;
}

void EventStream::wrap(const Record& record, std::string& head, std::string& tail) const {
  std::string fields;
  if (record.event == kHello) {
    fields.append("retry: ").append(std::to_string(kRetry.count())).append("\n");
  }
  fields.append("event: ").append(record.event);
  if (record.tag != nullptr) {
    fields += "\nid: ";
    append_opaque_tag(fields, *record.tag);
  }
  fields += "\ndata: ";
  constexpr std::string_view kRecordEnd = "\n\n";
  if (chunked_) append_chunk_size(head, fields.size() + record.data_bytes + kRecordEnd.size());
  head += fields;
  tail += kRecordEnd;
  if (chunked_) tail += "\r\n";
}

bool EventStream::append_heartbeat(std::string& out) {
  append_chunk(out, ": hb\n\n");
  return true;
}

void EventStream::append_end(std::string& out, End why) {
  if (why == End::kAuth) append_chunk(out, "event: auth-expired\ndata: {}\n\n");
  if (why == End::kDrain) append_chunk(out, "retry: " + std::to_string(spread_retry_ms()) + "\n\n");
  if (chunked_) out += "0\r\n\r\n";
}

void EventStream::append_chunk(std::string& out, std::string_view text) const {
  if (chunked_) append_chunk_size(out, text.size());
  out += text;
  if (chunked_) out += "\r\n";
}

}  // namespace bide
