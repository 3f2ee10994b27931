// server/settings/settings.h: The settings of `bide serve`: one table for flags, environment, TOML
// file, defaults and --help.
//
// Thread safety: immutable table, pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/settings/command_line.h"
#include "server/settings/options.h"

namespace bide {

struct ServeSetting : Setting {
  // False: `text` is not what is expected; the options are unchanged.
  bool (*set)(ServeOptions& options, std::string_view text);
};

// The file with settings. It has a flag and a variable, but no key in the file.
inline constexpr Setting kConfigSetting{.name = "config",
                                        .placeholder = "FILE",
                                        .doc = "read settings from this TOML file",
                                        .expected = "a TOML file",
                                        .group = "Other flags"};

[[nodiscard]] std::span<const ServeSetting> serve_settings();
// Null: there is no such setting.
[[nodiscard]] const ServeSetting* find_serve_setting(std::string_view name);
// All settings, and --config.
[[nodiscard]] const Command& serve_command();

// Applies the assignments in order, so the last one counts. nullopt: no error.
[[nodiscard]] std::optional<UsageError> apply_assignments(std::span<const Assignment> assignments,
                                                          ServeOptions& options);

// The assignments in a TOML file. Blocks on the disk.
[[nodiscard]] std::variant<std::vector<Assignment>, UsageError> read_toml_settings(
    const std::string& path);

// The row of a --nats-… setting in a table.
[[nodiscard]] Setting setting_of(const NatsSetting& shared);

}  // namespace bide
