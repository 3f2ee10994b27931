#include "bench/load/road.h"

#include <array>

namespace bench::load {
namespace {

struct Named {
  std::string_view name;
  std::unique_ptr<Road> (*make)(const RoadTimes&);
};
constexpr std::array<Named, 5> kRoads = {{{"long-poll", make_long_poll_road},
                                          {"poll", make_poll_road},
                                          {"plain-poll", make_plain_poll_road},
                                          {"sse", make_sse_road},
                                          {"ws", make_ws_road}}};

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

void append_get(std::string& out, const Question& question, std::string_view suffix) {
  out += "GET /job/";
  append_job_name(out, question.job);
  out.append(suffix).append(" HTTP/1.1\r\n").append(question.fields);
}

void append_condition(std::string& out, const Question& question) {
  if (!question.tag.empty()) out.append("If-None-Match: ").append(question.tag).append("\r\n");
  out += "\r\n";
}

}  // namespace bench::load
