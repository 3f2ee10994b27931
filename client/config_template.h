// client/config_template.h: A file for `bide serve --config` with every setting, all commented out.
//
// Thread safety: pure functions.
#pragma once

#include <string>

#include "server/settings/command_line.h"

namespace bide {

// Each setting with what it means and what is expected, under the headings of --help. A setting
// that has no default has the placeholder of its flag as its value: `#nats = "URL"`.
[[nodiscard]] std::string config_template();

// The setting's default as the file takes it: a number or a boolean as it is, everything else in
// quotes. Empty: there is none.
[[nodiscard]] std::string toml_default_of(const Setting& setting);

}  // namespace bide
