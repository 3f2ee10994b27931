// bench/load/road.h: A way for a client to hear of its job: what it asks, and when.
//
// A further road is one more class and its line in road.cc, and, where an answer is not one HTTP
// response, an AnswerReader like EventAnswers.
//
// Thread safety: immutable; may be shared.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "bench/load/answer_reader.h"
#include "bench/load/job_ref.h"

namespace bench::load {

struct Question {
  JobRef job;
  std::string_view tag;     // The newest the client has; empty: none.
  bool missing = false;     // The answer before was 404.
  std::string_view fields;  // Field lines that every request carries: Host, Authorization.
};

class Road {
 public:
  virtual ~Road() = default;

  // Appends the whole request.
  virtual void append_request(std::string& out, const Question& question) const = 0;
  // Between two requests of a client, on a timetable; zero: the next as soon as one is answered.
  [[nodiscard]] virtual std::chrono::nanoseconds period() const = 0;
  // An answer that takes longer is trouble; of a stream: the next sign of life.
  [[nodiscard]] virtual std::chrono::nanoseconds patience() const = 0;
  // Behind the last event: a client that has not heard of it by then has missed it.
  [[nodiscard]] virtual std::chrono::nanoseconds drain() const = 0;
  [[nodiscard]] virtual std::unique_ptr<AnswerReader> make_reader() const {
    return std::make_unique<ResponseAnswers>();
  }
};

struct RoadTimes {
  std::chrono::milliseconds every{};  // Between two polls.
  std::chrono::milliseconds wait{};   // How long a request may be held.
};

// By its name on the command line. Null: there is none of that name.
[[nodiscard]] std::unique_ptr<Road> make_road(std::string_view name, const RoadTimes& times);
// `long-poll or poll`.
[[nodiscard]] std::string road_names();

}  // namespace bench::load
