// server/http/stream.h: The format of a stream: server-sent events or WebSocket messages.
//
// Between two records a stream is parked like any held request. All that is added is this object:
// some ten bytes (server-sent events), or the parser of the client's frames (WebSocket). It knows
// no socket: it appends bytes, and its owner sends them.
//
// Thread safety: none; belongs to its connection's owner.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/job/entity_tag.h"
#include "server/http/message.h"

namespace bide {

class Stream {
 public:
  // The event of the first record. Not `open`: EventSource fires its own event of that name.
  static constexpr std::string_view kHello = "hello";

  // Why it ends, for formats that say so.
  enum class End : std::uint8_t {
    kOver,      // The job cannot change any more, or is gone.
    kDrain,     // The server is shutting down: connect again, to the next one.
    kTrouble,   // NATS is away, or there is no room: connect again later.
    kProtocol,  // The client broke the rules, is dead, or has closed.
    kAuth,      // The client's token has expired.
  };

  virtual ~Stream() = default;

  // What the client wants instead of each state at once and whole (`every`, `patch`).
  struct Wishes {
    std::chrono::milliseconds every{0};  // The shortest time between two records of one job.
    TimePoint next_at{};                 // The stream rests until then.
    TimePoint heartbeat_at{};            // When the next heartbeat is due.
    // Of the feed with `every`, while it tells a round: the position at which the round ends, and
    // whether anything was told.
    std::optional<EntityTag> round_end{};
    bool told = false;
    // The tags of the states that this stream has sent last: of its job, or each job's at a place
    // that follows from its id. Two jobs may share a place; then one is sent whole. Empty: the
    // client wants no patches.
    std::vector<EntityTag> sent{};
  };
  std::unique_ptr<Wishes> wishes;  // Null: none.

  // The head of the response that is this stream. To be called once.
  [[nodiscard]] virtual http::Response take_head() = 0;

  // Wraps a record: appends the bytes before its data to `head`, and those behind to `tail`.
  // `event`: one lower-case word. `tag`: null for records without an id. `data_bytes`: the length
  // of the data, which is one JSON value.
  struct Record {
    std::string_view event;
    const EntityTag* tag = nullptr;
    std::size_t data_bytes = 0;
  };
  virtual void wrap(const Record& record, std::string& head, std::string& tail) const = 0;
  // A whole record without an id.
  [[nodiscard]] std::string whole_record(std::string_view event, std::string_view data) const {
    std::string head;
    std::string tail;
    wrap({event, nullptr, data.size()}, head, tail);
    return head.append(data).append(tail);
  }
  // Whether `data` may travel as it is. False: only spaces may separate its tokens, not line ends.
  [[nodiscard]] virtual bool takes_lines() const = 0;

  // Appends a heartbeat, which shows each side that the other is there. False: the client has not
  // answered the one before. heartbeat() is the time between two of them.
  [[nodiscard]] virtual bool append_heartbeat(std::string& out) = 0;
  [[nodiscard]] virtual std::chrono::seconds heartbeat() const = 0;
  // Appends the last bytes. Nothing may follow them.
  virtual void append_end(std::string& out, End why) = 0;

  // Bytes kept of a message that the client has not finished.
  [[nodiscard]] virtual std::size_t kept_bytes() const { return 0; }
  // Whether the client may send anything. If not, its input is ignored.
  [[nodiscard]] virtual bool listens() const { return false; }
  // The client presents a new token. False: the token may not read.
  using OnToken = std::function<bool(std::string_view token)>;
  // Takes the client's bytes, cut anywhere, and appends the answers to them. False: the stream has
  // to end with End::kProtocol.
  [[nodiscard]] virtual bool receive(std::string_view /*bytes*/, std::string& /*out*/,
                                     const OnToken& /*on_token*/) {
    return true;
  }
};

}  // namespace bide
