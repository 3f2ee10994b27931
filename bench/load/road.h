// bench/load/road.h: A mode of following a job, called `--road` on the command line: what a client
// asks, and when.
//
// To add one, write a class and its line in road.cc, and if an answer is not one HTTP response, an
// AnswerReader like EventAnswers.
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
  // The time between two requests of a client. Zero: it asks again as soon as it is answered.
  [[nodiscard]] virtual std::chrono::nanoseconds period() const = 0;
  // If an answer, or a stream's next sign of life, takes longer, it counts as trouble.
  [[nodiscard]] virtual std::chrono::nanoseconds patience() const = 0;
  // The time after the last event. A client that has not been told of it by then has missed it.
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
