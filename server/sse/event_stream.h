// server/sse/event_stream.h: Server-sent events, WHATWG HTML section 9.2.
//
//   retry: 2000
//   event: hello
//   data: {"heartbeat_seconds":15}
//
//   event: job
//   id: <opaque tag>
//   data: {...}
//
// Every record is one chunk (RFC 9112 section 7.1), so that a proxy or client can tell a stream
// that ended from one that was cut; HTTP/1.0 has only the end of the connection, and HTTP/2 has
// frames.
//
// Thread safety: as Stream.
#pragma once

#include "server/http/message.h"
#include "server/http/stream.h"

namespace bide {

class EventStream final : public Stream {
 public:
  // After this time a browser comes back when the stream broke off or was ended.
  static constexpr std::chrono::milliseconds kRetry{2000};
  // The shortest such time when all streams end together (End::kDrain).
  static constexpr std::chrono::milliseconds kRetrySpreadMin{200};

  explicit EventStream(bool chunked) : chunked_(chunked) {}

  [[nodiscard]] http::Response take_head() override;

  void wrap(const Record& record, std::string& head, std::string& tail) const override;
  [[nodiscard]] bool takes_lines() const override { return false; }
  [[nodiscard]] bool append_heartbeat(std::string& out) override;
  [[nodiscard]] std::chrono::seconds heartbeat() const override { return std::chrono::seconds(15); }
  // Only kAuth is sent, as `event: auth-expired`. For the other reasons a browser comes back, and
  // learns more then; after kDrain at a random time, because others come back, too.
  void append_end(std::string& out, End why) override;

 private:
  void append_chunk(std::string& out, std::string_view text) const;

  const bool chunked_;
};

}  // namespace bide
