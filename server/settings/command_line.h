// server/settings/command_line.h: The table of a command's settings. From it come the parser of the
// command line, the names of environment variables, --help, and error messages. `bide serve` and
// each command of the client have their own table.
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

// The default address on which `bide serve` listens, and where the client's commands expect it.
inline constexpr std::string_view kDefaultServer = "http://127.0.0.1:8080";
inline constexpr std::string_view kDefaultListen = kDefaultServer.substr(7);

struct UsageError {
  // One line without a line end; for exit code 0 the text of --help. Never holds a secret.
  std::string message;
  int exit_code = 2;  // 0: not an error, the user asked for help.
};

// The TOML types of a value are, in this order: string; string or integer (seconds); integer; float
// or integer; boolean. A switch needs no value on the command line.
enum class SettingKind : std::uint8_t { kText, kDuration, kCount, kFraction, kSwitch };

struct Setting {
  std::string_view name;  // `max-wait`.
  SettingKind kind = SettingKind::kText;
  std::string_view placeholder{};   // `DURATION`; empty for switches.
  std::string_view default_text{};  // In the user's spelling; empty: none.
  std::string_view doc{};           // For --help, one line.
  std::string_view expected{};      // For errors: "a duration from 1s to 1h, …".
  char letter = '\0';               // `o` if `-o` means the same.
  // For the client's commands: BIDE_MAX_WAIT sets it, too. In `bide serve` all settings have one.
  bool has_variable = false;
  bool repeats = false;  // For the client's commands: may be given several times.
};

struct Command {
  std::string_view name;  // `bide wait`.
  std::vector<const Setting*> settings;
  std::string_view help_begin;  // The text before the settings in --help.
  std::string_view help_end;
  // For the client's commands: takes words besides flags, and refuses a flag that is given twice. A
  // value may begin with dashes, because it may be text from elsewhere. If this is false, the last
  // of several equal flags counts, so that scripts can append flags.
  bool takes_words = false;
};

// Null: the command has no such setting.
[[nodiscard]] const Setting* find_setting(const Command& command, std::string_view name);

// A value and its source. `where`: a flag, a variable, or `file:line: key`.
struct Assignment {
  const Setting* setting;
  std::string where;
  std::string text;
};

struct CommandLine {
  std::vector<Assignment> assignments;  // A switch's text is `true`.
  std::vector<std::string> words;
  std::optional<std::size_t> words_before_dashes;  // nullopt: there was no `--`.
};

// `--name value`, `--name=value`, `-n value`; after `--` there are only words.
[[nodiscard]] std::variant<CommandLine, UsageError> read_command_line(
    std::span<const std::string> args, const Command& command);

// `where`: the name as it was written, perhaps with its place in a file.
[[nodiscard]] UsageError no_such_setting(const std::string& where, std::string_view name,
                                         const Command& command);
// Does not repeat the value, because even a malformed URL may contain a password.
[[nodiscard]] UsageError unexpected(const std::string& where, const Setting& setting);

// `max-wait` -> `BIDE_MAX_WAIT`.
[[nodiscard]] std::string variable_of(const Setting& setting);

[[nodiscard]] std::string help_of(const Command& command);

}  // namespace bide
