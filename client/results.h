// client/results.h: The output of `get` and `wait` on stdout.
//
// Thread safety: they share nothing but `out`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "client/arguments.h"
#include "client/board.h"
#include "client/data_out.h"

namespace bide {

enum class Output : std::uint8_t {
  kText,   // The status word; with several jobs, `id word` for each as it ends.
  kJson,   // The representation; with several jobs, an array in the order of the arguments, with
           // null for a job without one.
  kJsonl,  // One representation on each line, for each job as it ends.
};

[[nodiscard]] std::optional<Output> output_from_word(std::string_view word);

inline constexpr Setting kJqSetting{
    .name = "jq",
    .placeholder = "FILTER",
    .doc =
        "a jq filter for the JSON that -o json (the default with it) or -o jsonl would print; "
        "strings are printed without quotes",
    .expected = "a jq filter"};

struct Format {
  Output output = Output::kText;
  std::shared_ptr<JqFilter> filter;  // Null: none.
};
// `--output` and `--jq` of a command that has both. `jq_output`: the output if only --jq is given.
[[nodiscard]] std::variant<Format, Misuse> format_in(const Arguments& arguments,
                                                     Output jq_output = Output::kJson);

// Writes the output for one job. Writes nothing if nothing is known about the job, and for kJson
// with several jobs, which write_results() writes.
void write_result(const JobView& job, Output output, bool several, DataOut& out);

// Writes the output of kJson with several jobs, at the end.
void write_results(std::span<const JobView> jobs, DataOut& out);

}  // namespace bide
