#include "client/results.h"

#include <algorithm>

#include "core/base/json_text.h"

namespace bide {
namespace {

// Line breaks occur only between JSON tokens, because strings escape them.
std::string on_one_line(std::string json) {
  std::ranges::replace_if(
      json, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return json;
}

}  // namespace

std::optional<Output> output_from_word(std::string_view word) {
  if (word == "text") return Output::kText;
  if (word == "json") return Output::kJson;
  if (word == "jsonl") return Output::kJsonl;
  return std::nullopt;
}

std::variant<Format, Misuse> format_in(const Arguments& arguments, Output jq_output) {
  const bool filtered = arguments.given("jq");
  const auto output = filtered && !arguments.given("output")
                          ? jq_output
                          : output_from_word(arguments.value("output"));
  if (!output) return arguments.unexpected("output");
  Format format{*output, nullptr};
  if (!filtered) return format;
  if (*output == Output::kText) return Misuse{"--jq: needs -o json or -o jsonl"};
  auto filter = JqFilter::compile(arguments.value("jq"));
  if (const auto* error = std::get_if<Misuse>(&filter)) return *error;
  format.filter = std::get<std::shared_ptr<JqFilter>>(std::move(filter));
  return format;
}

void write_result(const JobView& job, Output output, bool several, DataOut& out) {
  if (!job.status || !job.representation) return;
  switch (output) {
    case Output::kText:
      out.text((several ? job.id + " " : "") + std::string(word_of(*job.status)) + "\n");
      return;
    case Output::kJson:
      if (!several) out.json(*job.representation);
      return;
    case Output::kJsonl:
      out.json(on_one_line(*job.representation));
      return;
  }
}

void write_results(std::span<const JobView> jobs, DataOut& out) {
  JsonText array;
  array.begin_array();
  for (const JobView& job : jobs) array.raw(job.representation ? *job.representation : "null");
  array.end_array();
  out.json(array.take());
}

}  // namespace bide
