#include "client/results.h"

#include <doctest/doctest.h>

#include <sstream>
#include <vector>

using namespace bide;

namespace {

JobView completed(const char* id, const char* representation) {
  JobView job;
  job.id = id;
  job.status = Status::kCompleted;
  job.representation = std::make_shared<const std::string>(representation);
  return job;
}

std::string result_of(const JobView& job, Output output, bool several) {
  std::ostringstream text;
  DataOut out(text, false);
  write_result(job, output, several, out);
  return text.str();
}

}  // namespace

TEST_CASE("results: text is the status word, with the id before it where there are several") {
  const JobView job = completed("build-7", "{}");
  CHECK(result_of(job, Output::kText, false) == "completed\n");
  CHECK(result_of(job, Output::kText, true) == "build-7 completed\n");
}

TEST_CASE("results: jsonl keeps a job on one line, however its operation was written") {
  const JobView job = completed("build-7", "{\"operation\":{\r\n  \"a\": \"b\\nc\"\n}}");
  CHECK(result_of(job, Output::kJsonl, true) == "{\"operation\":{    \"a\": \"b\\nc\" }}\n");
}

TEST_CASE("results: json is the representation untouched, or an array in the order asked") {
  const JobView job = completed("build-7", "{\n}");
  CHECK(result_of(job, Output::kJson, false) == "{\n}\n");
  CHECK(result_of(job, Output::kJson, true).empty());
  const std::vector<JobView> jobs = {completed("a", "{\"id\":\"a\"}"), JobView{},
                                     completed("b", "{\"id\":\"b\"}")};
  std::ostringstream text;
  DataOut out(text, false);
  write_results(jobs, out);
  CHECK(text.str() == "[{\"id\":\"a\"},null,{\"id\":\"b\"}]\n");
}

TEST_CASE("results: of a job nothing is known about, nothing is said") {
  for (const Output output : {Output::kText, Output::kJson, Output::kJsonl}) {
    CHECK(result_of(JobView{}, output, false).empty());
  }
}

TEST_CASE("results: the output formats have names") {
  CHECK(output_from_word("text") == Output::kText);
  CHECK(output_from_word("json") == Output::kJson);
  CHECK(output_from_word("jsonl") == Output::kJsonl);
  CHECK(!output_from_word("yaml"));
  CHECK(!output_from_word(""));
}
