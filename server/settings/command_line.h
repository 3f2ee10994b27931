// server/settings/command_line.h: The table of a command: its settings, examples and exit codes.
// From it come the parser of the command line, the names of environment variables, error messages,
// --help (command_help.h), the man pages, and the completion of shells. `bide serve` and each
// command of the client have their own table.
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
  // May be given several times. In `bide serve` the values make one list, as if they were separated
  // by commas, and the file may have an array of strings.
  bool repeats = false;
  std::string_view choices{};  // The words that a value may be: `text,json,jsonl`. Empty: any text.
  std::string_view group{};    // The heading above it in --help; empty: `Flags`.
};

// What the words of a command are, for the completion of shells.
enum class WordKind : std::uint8_t {
  kNone,
  kJob,      // One job's id.
  kJobs,     // Ids of jobs.
  kEvent,    // One job's id and an event.
  kProgram,  // At most one job's id; after `--` a program and its arguments.
  kCommand,  // A command of bide.
  kShell,    // A shell for `bide completion`.
};

struct ExitMeaning {
  std::string_view code;  // `0`, or `130, 143`.
  std::string_view meaning;
};

struct Command {
  std::string_view name;                     // `bide wait`.
  std::string_view summary{};                // `wait until jobs are over`.
  std::vector<std::string_view> synopsis{};  // Without the name: `ID... [--timeout 10m]`.
  std::string_view description{};            // Paragraphs (command_help.h, wrapped()).
  std::vector<std::string_view> examples{};  // Lines for a shell; a test runs them.
  std::vector<const Setting*> settings;
  std::string_view notes{};  // Paragraphs after the settings.
  std::vector<ExitMeaning> exit_codes{};
  // For the client's commands: takes words besides flags, and refuses a flag that is given twice. A
  // value may begin with dashes, because it may be text from elsewhere. If this is false, the last
  // of several equal flags counts, so that scripts can append flags.
  bool takes_words = false;
  WordKind words = WordKind::kNone;
};

// Null: the command has no such setting.
[[nodiscard]] const Setting* find_setting(const Command& command, std::string_view name);
// `flag`: `--output` or `-o`, without a value.
[[nodiscard]] const Setting* find_flag(const Command& command, std::string_view flag);

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
// Does not repeat the value, because even a malformed URL may contain a password. If `text` is
// similar to one of the setting's choices, names that.
[[nodiscard]] UsageError unexpected(const std::string& where, const Setting& setting,
                                    std::string_view text = {});
// The words of Setting::choices.
[[nodiscard]] std::vector<std::string_view> words_of(std::string_view choices);
// `; did you mean completed?`. `choices`: separated by commas. Empty: none is similar.
[[nodiscard]] std::string meant(std::string_view word, std::string_view choices);

// `max-wait` -> `BIDE_MAX_WAIT`.
[[nodiscard]] std::string variable_of(const Setting& setting);

}  // namespace bide
