// server/settings/command_line.h: The table of a command's settings, and what it gives: reading the
// command line and the environment, --help, and errors that name what was expected. `bide serve`
// and the client's commands have a table each.
//
// Thread safety: immutable tables, pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bide {

struct UsageError {
  // One line without a line end; for exit code 0 the text of --help. Never holds a secret.
  std::string message;
  int exit_code = 2;  // 0: not an error, the user asked for help.
};

// Decides which TOML types may carry the value: a string; a string or whole seconds; an integer; a
// float or integer; a boolean. A switch needs no value on the command line.
enum class SettingKind : std::uint8_t { kText, kDuration, kCount, kFraction, kSwitch };

struct Setting {
  std::string_view name;  // `max-wait`.
  SettingKind kind = SettingKind::kText;
  std::string_view placeholder{};   // `DURATION`; empty for switches.
  std::string_view default_text{};  // As one would write it; empty where there is none.
  std::string_view doc{};           // For --help, one line.
  std::string_view expected{};      // For errors: "a duration from 1s to 1h, …".
  char letter = '\0';               // `o` where `-o` is the same.
  // Of a client's command: BIDE_MAX_WAIT counts, too. Of `bide serve` every variable does.
  bool has_variable = false;
};

struct Command {
  std::string_view name;  // `bide wait`.
  std::vector<const Setting*> settings;
  std::string_view help_begin;  // What stands before the settings in --help.
  std::string_view help_end;
  // A client's command takes words beside flags and each flag once: which of two was meant is a
  // guess. Its values may begin with dashes, for they are texts of others. Without this a flag that
  // is given again replaces the first, so that a script can add to a list of flags.
  bool takes_words = false;
};

// Null: no such setting.
[[nodiscard]] const Setting* find_setting(const Command& command, std::string_view name);

// One value and where it was found; `where` is a flag, a variable, or `file:line: key`.
struct Assignment {
  const Setting* setting;
  std::string where;
  std::string text;
};

struct CommandLine {
  std::vector<Assignment> assignments;  // A switch's text is `true`.
  std::vector<std::string> words;
};

// `--name value`, `--name=value`, `-n value`; after `--` there are only words.
[[nodiscard]] std::variant<CommandLine, UsageError> read_command_line(
    std::span<const std::string> args, const Command& command);

// `where`: the name as it was written, or with the place where it stands.
[[nodiscard]] UsageError no_such_setting(const std::string& where, std::string_view name,
                                         const Command& command);
// The value is not repeated: a malformed URL may still hold a password.
[[nodiscard]] UsageError unexpected(const std::string& where, const Setting& setting);

// `max-wait` -> `BIDE_MAX_WAIT`.
[[nodiscard]] std::string variable_of(const Setting& setting);

[[nodiscard]] std::string help_of(const Command& command);

}  // namespace bide
