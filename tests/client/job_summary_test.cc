#include "client/job_summary.h"

#include <doctest/doctest.h>

#include <string>

using namespace bide;

TEST_CASE("summary: all agents are counted, and the done ones") {
  const JobSummary summary =
      summary_of(R"({"id":"x","error":"no space","agent_states":{"a":{"status":"completed"},)"
                 R"("b":{"status":"failed"},"c":{"status":"skipped"},"d":{"status":"started"},)"
                 R"("e":{"status":"retried"},"f":{}}})");
  CHECK(summary.agents_seen == 6);
  CHECK(summary.agents_done == 4);
  CHECK(summary.error == "no space");
}

TEST_CASE("summary: any other text gives an empty summary") {
  for (const char* text : {"", "completed\n", "[]", "7", "{", R"({"agent_states":[1]})",
                           R"({"agent_states":{"a":7},"error":7})", "{\"error\":\"\xff\"}"}) {
    CAPTURE(text);
    CHECK(summary_of(text).agents_seen == 0);
    CHECK(summary_of(text).error.empty());
  }
}

// For the first of these, RapidJSON's conversion to a double reads outside its table.
TEST_CASE("summary: a job is read whatever numbers its worker wrote") {
  for (const std::string number : {"0.0000000000000e-2147483639", "-0.0000000000000e-2147483639",
                                   "1e-2147483648", "1e309", "-1e999999999", "0e999999999"}) {
    CAPTURE(number);
    const JobSummary summary =
        summary_of(R"({"error":"e","operation":{"n":)" + number + R"(},"result":[)" + number +
                   R"(],"agent_states":{"a":{"status":"failed"}}})");
    CHECK(summary.error == "e");
    CHECK(summary.agents_done == 1);
  }
}

TEST_CASE("summary: names of agents may look like JSON") {
  const JobSummary summary = summary_of(
      R"( {"agent_states" : { "a\":{,\\" : {"status":"completed"} , "]}":{"x":["}"]},"":{} } } )");
  CHECK(summary.agents_seen == 3);
  CHECK(summary.agents_done == 1);
}

TEST_CASE("summary: deep nesting does not overflow the stack") {
  const std::string deep =
      R"({"operation":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}";
  CHECK(summary_of(deep).agents_seen == 0);
  const std::string allowed = R"({"responses":{"a":{"data":)" + std::string(63, '[') +
                              std::string(63, ']') + R"(}},"agent_states":{"a":{}}})";
  CHECK(summary_of(allowed).agents_seen == 1);
}

TEST_CASE("summary: the note is the error, else the agents or the progress of a job that runs") {
  const auto note = [](const std::string& members) {
    return note_of(summary_of("{\"id\":\"x\"," + members + "}"));
  };
  const std::string progress = R"("progress":{"percent":40,"message":"linking"})";
  CHECK(note(R"("status":"failed","error":"no space","agent_states":{"a":{"status":"failed"}})") ==
        "no space");
  CHECK(note(R"("status":"processing","agent_states":{"a":{"status":"started",)" + progress +
             "}}") == "40% linking");
  CHECK(note(R"("status":"completed","agent_states":{"a":{"status":"completed",)" + progress + "}}")
            .empty());
  CHECK(note(R"("status":"processing","agent_states":{"a":{"status":"completed",)" + progress +
             R"(},"b":{"status":"started"}})") == "1/2 agents done");
}
