#include "bench/load/road.h"

#include <algorithm>
#include <array>

#include "bench/load/stream_answers.h"

namespace bench::load {
namespace {

// `GET /job/<name><suffix>` and the common fields; the head's empty line is left to the caller.
void append_get(std::string& out, const Question& question, std::string_view suffix) {
  out += "GET /job/";
  append_job_name(out, question.job);
  out.append(suffix).append(" HTTP/1.1\r\n").append(question.fields);
}

// If-None-Match where there is a tag, and the head's empty line.
void append_condition(std::string& out, const Question& question) {
  if (!question.tag.empty()) out.append("If-None-Match: ").append(question.tag).append("\r\n");
  out += "\r\n";
}

// Asks to be held until there is news, and again at once.
class LongPollRoad : public Road {
 public:
  explicit LongPollRoad(const RoadTimes& times)
      : wait_(times.wait), suffix_("?wait=" + std::to_string(wait_.count()) + "ms") {}

  // An unknown job is a 404 at once, unless the client waits for it to exist.
  void append_request(std::string& out, const Question& question) const override {
    append_get(out, question, question.missing ? suffix_ + "&until=exists" : suffix_);
    append_condition(out, question);
  }
  [[nodiscard]] std::chrono::nanoseconds period() const override { return {}; }
  [[nodiscard]] std::chrono::nanoseconds patience() const override {
    return wait_ + std::chrono::seconds(10);
  }
  [[nodiscard]] std::chrono::nanoseconds drain() const override { return wait_; }

 private:
  const std::chrono::milliseconds wait_;
  const std::string suffix_;
};

// Asks on a timetable whether anything is new; nothing is held.
// `conditional`: with If-None-Match, so that only news come with a body.
template <bool conditional>
class PollRoad : public Road {
 public:
  explicit PollRoad(const RoadTimes& times) : times_(times) {}

  void append_request(std::string& out, const Question& question) const override {
    append_get(out, question, "");
    if constexpr (conditional) return append_condition(out, question);
    out += "\r\n";
  }
  [[nodiscard]] std::chrono::nanoseconds period() const override { return times_.every; }
  [[nodiscard]] std::chrono::nanoseconds patience() const override {
    return std::chrono::seconds(10);
  }
  // Everybody polls once more, even those whose last poll is late.
  [[nodiscard]] std::chrono::nanoseconds drain() const override {
    return std::max(times_.wait, 2 * times_.every);
  }

 private:
  const RoadTimes times_;
};

constexpr std::chrono::seconds kHeartbeat(15);

enum class Sse : std::uint8_t { kWhole, kPatches, kEvery };

// Opens a stream of server-sent events, as EventSource does, and again where it left off.
// `kind`: each state whole, by patches, or whole but not more often than every so long.
template <Sse kind>
class SseRoad : public Road {
 public:
  explicit SseRoad(const RoadTimes& times) : times_(times) {}

  void append_request(std::string& out, const Question& question) const override {
    std::string suffix = "/events";
    if constexpr (kind == Sse::kPatches) suffix += "?patch=json";
    if constexpr (kind == Sse::kEvery) {
      suffix.append("?every=").append(std::to_string(times_.every.count())).append("ms");
    }
    append_get(out, question, suffix);
    out += "Accept: text/event-stream\r\n";
    if (!question.tag.empty()) {
      out.append("Last-Event-ID: ").append(opaque(question.tag)).append("\r\n");
    }
    out += "\r\n";
  }
  [[nodiscard]] std::chrono::nanoseconds period() const override { return {}; }
  [[nodiscard]] std::chrono::nanoseconds patience() const override { return 3 * kHeartbeat; }
  [[nodiscard]] std::chrono::nanoseconds drain() const override {
    return kind == Sse::kEvery ? std::max(times_.wait, 2 * times_.every) : times_.wait;
  }
  [[nodiscard]] std::unique_ptr<AnswerReader> make_reader() const override {
    return std::make_unique<EventAnswers>();
  }

 private:
  const RoadTimes times_;
};

constexpr std::chrono::seconds kPingInterval(25);

// Opens a WebSocket, and again where it left off.
class WsRoad : public Road {
 public:
  explicit WsRoad(const RoadTimes& times) : times_(times) {}

  // A page in a browser cannot add fields to the handshake, so the last tag is in the query.
  void append_request(std::string& out, const Question& question) const override {
    std::string suffix = "/ws";
    if (!question.tag.empty()) suffix.append("?last_event_id=").append(opaque(question.tag));
    append_get(out, question, suffix);
    out.append("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
    out.append("Sec-WebSocket-Key: ").append(kSampleKey).append("\r\n\r\n");
  }
  [[nodiscard]] std::chrono::nanoseconds period() const override { return {}; }
  [[nodiscard]] std::chrono::nanoseconds patience() const override { return 3 * kPingInterval; }
  [[nodiscard]] std::chrono::nanoseconds drain() const override { return times_.wait; }
  [[nodiscard]] std::unique_ptr<AnswerReader> make_reader() const override {
    return std::make_unique<SocketAnswers>();
  }

 private:
  const RoadTimes times_;
};

template <class Kind>
std::unique_ptr<Road> make(const RoadTimes& times) {
  return std::make_unique<Kind>(times);
}

struct Named {
  std::string_view name;
  std::unique_ptr<Road> (*make)(const RoadTimes&);
};
constexpr std::array<Named, 7> kRoads = {{{"long-poll", make<LongPollRoad>},
                                          {"poll", make<PollRoad<true>>},
                                          {"plain-poll", make<PollRoad<false>>},
                                          {"sse", make<SseRoad<Sse::kWhole>>},
                                          {"sse-patches", make<SseRoad<Sse::kPatches>>},
                                          {"sse-every", make<SseRoad<Sse::kEvery>>},
                                          {"ws", make<WsRoad>}}};

}  // namespace

std::unique_ptr<Road> make_road(std::string_view name, const RoadTimes& times) {
  for (const Named& road : kRoads) {
    if (road.name == name) return road.make(times);
  }
  return nullptr;
}

std::string road_names() {
  std::string names;
  for (const Named& road : kRoads) {
    if (!names.empty()) names += " or ";
    names += road.name;
  }
  return names;
}

}  // namespace bench::load
