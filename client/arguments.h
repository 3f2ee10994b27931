// client/arguments.h: A command's words and settings: those of its command line, then those of the
// environment, then the defaults of its table (server/settings/command_line.h).
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

// The caller's mistake, in one line without a newline. Never holds a secret.
struct Misuse {
  std::string message;
};

class Arguments {
 public:
  // `command` must outlive it.
  [[nodiscard]] static std::variant<Arguments, UsageError> parse(std::span<const std::string> args,
                                                                 const Command& command);

  // What is not an option, in order.
  [[nodiscard]] const std::vector<std::string>& words() const { return line_.words; }
  // `name` is one of the command's settings. Null: neither a flag nor a variable says it. A
  // variable that is empty says nothing.
  [[nodiscard]] const Assignment* find(std::string_view name) const;
  [[nodiscard]] bool given(std::string_view name) const { return find(name) != nullptr; }
  // What was given, or the default; empty: there is none.
  [[nodiscard]] std::string value(std::string_view name) const;
  // For a value that will not do.
  [[nodiscard]] Misuse unexpected(std::string_view name) const;

 private:
  explicit Arguments(const Command& command) : command_(&command) {}

  const Command* command_;
  CommandLine line_;  // With what the environment says.
};

}  // namespace bide
