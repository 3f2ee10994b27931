// client/label_flag.h: `--label NAME=VALUE`, which may be given several times.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <variant>

#include "client/arguments.h"

namespace bide {

inline constexpr Setting kLabelSetting{.name = "label",
                                       .placeholder = "NAME=VALUE",
                                       .doc = "a label of the job; may be given several times",
                                       .expected = "NAME=VALUE, with a name of a-z 0-9 . _ / -",
                                       .repeats = true};

// The labels as a JSON object, for NewDefinition. Empty: there are none.
[[nodiscard]] std::variant<std::string, Misuse> labels_in(const Arguments& arguments);

// For commands that read: the jobs that have all these labels.
inline constexpr Setting kLabelFilter{
    .name = "label",
    .placeholder = "NAME=VALUE",
    .doc = "only jobs with this label; may be given several times",
    .expected = kLabelSetting.expected,
    .repeats = true};
// The same for a query: `&label=release%3D42` for each. Empty: there are none.
[[nodiscard]] std::variant<std::string, Misuse> label_query_in(const Arguments& arguments);

}  // namespace bide
