// server/http/stream.h: How a response that goes on is written down: server-sent events or
// WebSocket messages.
//
// A stream is a standing parked request: between two records its connection is parked as any held
// request, and this object, some ten bytes (server-sent events) or the parser of what the client
// sends (WebSocket), is all that is added. It knows no socket: it appends bytes for its owner to
// send.
//
// Thread safety: none; belongs to its connection's owner.
#pragma once

#include <httplib.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/job/entity_tag.h"

namespace bide {

class Stream {
 public:
  // The event of the first record. Not `open`: EventSource fires its own event of that name.
  static constexpr std::string_view kHello = "hello";

  // Why it ends, for those roads that tell.
  enum class End : std::uint8_t {
    kOver,      // The job cannot change any more, or is gone.
    kDrain,     // The server is shutting down: connect again, to the next one.
    kTrouble,   // NATS is away, or there is no room: connect again later.
    kProtocol,  // The client broke the rules, is dead, or has closed.
    kAuth,      // The client's token has expired.
  };

  virtual ~Stream() = default;

  // The head of the response that is this stream. To be called once.
  [[nodiscard]] virtual httplib::Response take_head() = 0;

  // What a record is wrapped in: appends what goes before its data to `head` and what goes behind
  // to `tail`. `event`: one lower-case word. `tag`: null for records without an id. `data`: one
  // JSON value.
  struct Record {
    std::string_view event;
    const EntityTag* tag = nullptr;
    std::string_view data;
  };
  virtual void wrap(const Record& record, std::string& head, std::string& tail) const = 0;
  // All of one without an id.
  [[nodiscard]] std::string whole_record(std::string_view event, std::string_view data) const {
    std::string head;
    std::string tail;
    wrap({event, nullptr, data}, head, tail);
    return head.append(data).append(tail);
  }
  // Whether `data` may travel as it is. False: only spaces may separate its tokens, not line ends.
  [[nodiscard]] virtual bool takes_lines() const = 0;

  // What shows both sides that the other is there, and how often. False: the client has not
  // answered the one before.
  [[nodiscard]] virtual bool append_heartbeat(std::string& out) = 0;
  [[nodiscard]] virtual std::chrono::seconds heartbeat() const = 0;
  // The last bytes. Nothing may be appended after them.
  virtual void append_end(std::string& out, End why) = 0;

  // What is kept of a message that the client has not finished.
  [[nodiscard]] virtual std::size_t kept_bytes() const { return 0; }
  // Whether the client may say anything; else what it sends is of no interest.
  [[nodiscard]] virtual bool listens() const { return false; }
  // A fresh token of the client's. False: it is none that may read.
  using OnToken = std::function<bool(std::string_view token)>;
  // Takes what the client has sent, cut anywhere, and appends what that must be answered with.
  // False: the conversation is over, as for End::kProtocol.
  [[nodiscard]] virtual bool receive(std::string_view /*bytes*/, std::string& /*out*/,
                                     const OnToken& /*on_token*/) {
    return true;
  }
};

}  // namespace bide
