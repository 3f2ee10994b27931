// What the command line makes of an HTTP answer, whoever gave it: it ends, prints one line that no
// terminal obeys, and takes only what is bide's for a state.
//
// Input: the status code on the first line, fields as `Name: value`, a blank line, the body.
#include <charconv>
#include <sstream>
#include <string>
#include <utility>

#include "client/display.h"
#include "client/job_summary.h"
#include "client/reply.h"
#include "client/results.h"
#include "core/base/json_object.h"
#include "tests/fuzz/fuzz_input.h"

using namespace bide;
using namespace bide::fuzz;

namespace {

RawReply reply_of(std::string_view input) {
  RawReply raw;
  const std::string_view code = take_until(input, "\n");
  std::from_chars(code.data(), code.data() + code.size(), raw.http_status);
  const std::pair<std::string_view, std::string*> fields[] = {{"Bide-Status", &raw.job_status},
                                                              {"Bide-Final", &raw.job_final},
                                                              {"Bide-Outcome", &raw.outcome},
                                                              {"ETag", &raw.etag},
                                                              {"Retry-After", &raw.retry_after}};
  for (std::string_view line = take_until(input, "\n"); !line.empty();
       line = take_until(input, "\n")) {
    const std::string_view name = take_until(line, ": ");
    for (const auto& [known, into] : fields) {
      if (name == known) *into = line;
    }
  }
  raw.body = input;
  return raw;
}

// Control characters of C0 and C1 move cursors, and worse.
void check_line(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    demand(byte >= 0x20 && byte != 0x7F, "a line is printed as it is");
    const bool c1 =
        byte == 0xC2 && i + 1 < line.size() && static_cast<unsigned char>(line[i + 1]) < 0xA0;
    demand(!c1, "C1 is no better");
  }
}

bool is_object(std::string_view json) {
  return std::holds_alternative<JsonObject>(JsonObject::parse(json, {}, kAnswerDepthMax));
}

std::string result_of(const JobView& job, Output output) {
  std::ostringstream text;
  DataOut out(text, false);
  write_result(job, output, false, out);
  return text.str();
}

std::string results_of(const std::vector<JobView>& jobs) {
  std::ostringstream text;
  DataOut out(text, false);
  write_results(jobs, out);
  return text.str();
}

// What JSON says, its bytes say; a reader of a terminal sees one line.
void check_answer(const Answer& answer, const RawReply& raw) {
  demand(answer.body == raw.body, "the body is kept byte by byte");
  const JobSummary summary = summary_of(answer.body);
  demand(summary.agents_done <= summary.agents_seen, "who is done was seen");
  demand(summary.agents_seen <= answer.body.size(), "agents take bytes");
  const bool object = is_object(answer.body);
  demand(object || (summary.agents_seen == 0 && summary.error.empty()), "else it says nothing");

  JobView job;
  job.id = "build-7";
  job.status = answer.status;
  job.summary = summary;
  job.representation = std::make_shared<const std::string>(answer.body);
  check_line(describe(job));
  const std::string line = result_of(job, Output::kJsonl);
  demand(line.find_first_of("\r\n") == line.size() - 1, "a line is one");
  demand(!object || is_object(line), "and says the same");
  demand(result_of(job, Output::kJson) == answer.body + "\n", "json is what was sent");
  const std::vector<JobView> both = {job, JobView{}};
  demand(!object || split_json_array(results_of(both))->size() == 2, "two jobs are two");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const RawReply raw = reply_of(text_of(data, size));
  const Reply reply = interpret(raw);
  if (const auto* answer = std::get_if<Answer>(&reply)) {
    demand(raw.http_status == 200 || raw.http_status == 304, "only these are answers");
    demand(word_of(answer->status) == raw.job_status, "with a status of bide's");
    check_answer(*answer, raw);
    return 0;
  }
  const auto* const trouble = std::get_if<Trouble>(&reply);
  JobView job;
  job.id = "build-7";
  (trouble != nullptr ? job.trouble : job.complaint) =
      trouble != nullptr ? trouble->what : std::get<ServerRefusal>(reply).detail;
  demand(!job.trouble.empty() || !job.complaint.empty(), "it says why");
  if (trouble != nullptr) {
    demand(trouble->retry_after >= std::chrono::seconds(0), "not before now");
    demand(trouble->retry_after <= std::chrono::minutes(1), "a minute at most");
  }
  check_line(describe(job));
  return 0;
}
