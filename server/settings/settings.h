// server/settings/settings.h: The table of settings that flags, environment, TOML file and --help
// share.
//
// Thread safety: immutable table, pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/settings/options.h"

namespace bide {

// Decides which TOML types may carry the value: a string; a string or whole seconds; an integer; a
// float or integer; a boolean.
enum class SettingKind : std::uint8_t { kText, kDuration, kCount, kFraction, kSwitch };

struct Setting {
  std::string_view name;  // `max-wait`.
  SettingKind kind;
  std::string_view placeholder;   // `DURATION`; empty for switches.
  std::string_view default_text;  // As one would write it; empty where there is none.
  std::string_view doc;           // For --help, one line.
  std::string_view expected;      // For errors: "a duration from 1s to 1h, …".
  // False: not what is expected; the options are unchanged.
  bool (*set)(ServeOptions& options, std::string_view text);
};

[[nodiscard]] std::span<const Setting> serve_settings();
// Null: no such setting.
[[nodiscard]] const Setting* find_setting(std::string_view name);

// One value and where it was found; `where` is a flag, a variable, or `file:line: key`.
struct Assignment {
  const Setting* setting;
  std::string where;
  std::string text;
};
// Applies them in order, so the last one wins.
[[nodiscard]] std::optional<UsageError> apply_assignments(std::span<const Assignment> assignments,
                                                          ServeOptions& options);

// The assignments in a TOML file. Blocks on the disk.
[[nodiscard]] std::variant<std::vector<Assignment>, UsageError> read_toml_settings(
    const std::string& path);

// The text of `bide serve --help`.
[[nodiscard]] std::string serve_help();

}  // namespace bide
