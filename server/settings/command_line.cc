// Written by hand, because in CLI11 2.1 a configuration file beats the environment, and usage
// errors exit with 106.
#include "server/settings/command_line.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "core/base/similar_word.h"
#include "core/base/terminal_width.h"
#include "server/settings/command_help.h"

namespace bide {
namespace {

// The setting with the most similar name. Null: no name is similar.
const Setting* nearest(std::string_view name, const Command& command) {
  std::vector<std::string_view> names;
  for (const Setting* const setting : command.settings) names.push_back(setting->name);
  return find_setting(command, similar_word(name, names));
}

std::string lists_them(const Command& command) {
  return "`" + std::string(command.name) + " --help` lists them";
}

}  // namespace

const Setting* find_setting(const Command& command, std::string_view name) {
  const auto found = std::ranges::find(command.settings, name, &Setting::name);
  return found == command.settings.end() ? nullptr : *found;
}

const Setting* find_flag(const Command& command, std::string_view flag) {
  if (flag.starts_with("--")) return find_setting(command, flag.substr(2));
  if (flag.size() != 2 || flag[0] != '-' || flag[1] == '\0') return nullptr;
  const auto found = std::ranges::find(command.settings, flag[1], &Setting::letter);
  return found == command.settings.end() ? nullptr : *found;
}

std::variant<CommandLine, UsageError> read_command_line(std::span<const std::string> args,
                                                        const Command& command) {
  CommandLine line;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string_view arg = args[i];
    if (arg == "-h" || arg == "--help") {
      return UsageError{help_of(command, columns_of(STDOUT_FILENO)), 0};
    }
    if (command.takes_words && arg == "--") {
      line.words_before_dashes = line.words.size();
      line.words.insert(line.words.end(), args.begin() + static_cast<long>(i) + 1, args.end());
      break;
    }
    if (arg.size() < 2 || arg.front() != '-') {
      if (!command.takes_words) {
        return UsageError{"`" + args[i] + "`: expected a flag; " + lists_them(command)};
      }
      line.words.push_back(args[i]);
      continue;
    }
    const std::size_t equals = arg.starts_with("--") ? arg.find('=') : std::string_view::npos;
    const std::string flag(arg.substr(0, equals));
    const Setting* const setting = find_flag(command, flag);
    if (setting == nullptr) {
      return no_such_setting(flag, flag.substr(flag.starts_with("--") ? 2 : 1), command);
    }
    if (command.takes_words && !setting->repeats &&
        std::ranges::find(line.assignments, setting, &Assignment::setting) !=
            line.assignments.end()) {
      return UsageError{flag + ": given twice"};
    }
    const bool is_switch = setting->kind == SettingKind::kSwitch;
    if (command.takes_words && is_switch && equals != std::string_view::npos) {
      return UsageError{flag + ": takes no value"};
    }
    if (equals != std::string_view::npos) {
      line.assignments.push_back({setting, flag, std::string(arg.substr(equals + 1))});
    } else if (is_switch) {
      line.assignments.push_back({setting, flag, "true"});
    } else if (i + 1 < args.size() && (command.takes_words || !args[i + 1].starts_with("--"))) {
      line.assignments.push_back({setting, flag, args[++i]});
    } else {
      return unexpected(flag, *setting);
    }
  }
  return line;
}

UsageError no_such_setting(const std::string& where, std::string_view name,
                           const Command& command) {
  const Setting* const meant = nearest(name, command);
  std::string hint;
  if (meant != nullptr) {
    // In the same spelling: a flag, a variable, or a key of the file.
    hint = where.starts_with("BIDE_") ? variable_of(*meant)
           : where.starts_with("--")  ? "--" + std::string(meant->name)
                                      : std::string(meant->name);
    hint = "did you mean " + hint + "? ";
  }
  return {where + ": no such setting; " + hint + lists_them(command)};
}

std::vector<std::string_view> words_of(std::string_view choices) {
  std::vector<std::string_view> words;
  while (!choices.empty()) {
    const std::size_t comma = std::min(choices.find(','), choices.size());
    words.push_back(choices.substr(0, comma));
    choices.remove_prefix(std::min(comma + 1, choices.size()));
  }
  return words;
}

std::string meant(std::string_view word, std::string_view choices) {
  const std::string_view found = similar_word(word, words_of(choices));
  return found.empty() ? std::string() : "; did you mean " + std::string(found) + "?";
}

UsageError unexpected(const std::string& where, const Setting& setting, std::string_view text) {
  return {where + ": expected " + std::string(setting.expected) + meant(text, setting.choices)};
}

std::string variable_of(const Setting& setting) {
  std::string variable = "BIDE_";
  for (const char c : setting.name) {
    variable += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return variable;
}

}  // namespace bide
