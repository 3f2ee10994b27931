// client/arguments.h: A command's words and settings. A setting comes from the command line, else
// from the environment, else from the default in its table (server/settings/command_line.h).
//
// Thread safety: immutable once parsed; parse() reads the process's environment.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/settings/command_line.h"

namespace bide {

// A mistake of the caller.
struct Misuse {
  std::string message;  // One line without a newline and without secrets.
};

class Arguments {
 public:
  // `command` must outlive it. Warns on stderr of variables BIDE_… that no command reads, if this
  // one reads any, and unless it is quiet.
  [[nodiscard]] static std::variant<Arguments, UsageError> parse(std::span<const std::string> args,
                                                                 const Command& command);

  // The arguments that are no options, in order.
  [[nodiscard]] const std::vector<std::string>& words() const { return line_.words; }
  // How many of them stand before `--`. nullopt: there is no `--`.
  [[nodiscard]] std::optional<std::size_t> words_before_dashes() const {
    return line_.words_before_dashes;
  }
  // `name` is one of the command's settings. Null: neither a flag nor a variable sets it. An empty
  // variable counts as not set.
  [[nodiscard]] const Assignment* find(std::string_view name) const;
  [[nodiscard]] bool given(std::string_view name) const { return find(name) != nullptr; }
  // The value that was given, or the default. Empty: there is neither.
  [[nodiscard]] std::string value(std::string_view name) const;
  // All values of a setting that repeats, in order.
  [[nodiscard]] std::vector<std::string> values(std::string_view name) const;
  // The error for a value that is not acceptable.
  [[nodiscard]] Misuse unexpected(std::string_view name) const;

 private:
  explicit Arguments(const Command& command) : command_(&command) {}
  void warn_of_unknown_variables() const;

  const Command* command_;
  CommandLine line_;  // Includes the settings of the environment.
};

}  // namespace bide
