// Written by hand, because in CLI11 2.1 a configuration file beats the environment, and usage
// errors exit with 106.
#include "server/settings/command_line.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace bide {
namespace {

constexpr std::size_t kIndent = 32;
constexpr std::size_t kColumns = 80;

// The number of characters to change, insert or delete to turn one into the other (Levenshtein).
std::size_t distance(std::string_view one, std::string_view other) {
  std::vector<std::size_t> row(other.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < one.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < other.size(); ++j) {
      const std::size_t changed = diagonal + (one[i] == other[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

// The setting with the most similar name. Null: no name is similar.
const Setting* nearest(std::string_view name, const Command& command) {
  constexpr std::size_t kNameBytesMax = 64;  // Bounds the work.
  const Setting* found = nullptr;
  std::size_t least = 3;
  if (name.size() > kNameBytesMax) return nullptr;
  for (const Setting* const setting : command.settings) {
    const std::size_t changes = distance(name, setting->name);
    if (changes >= least || changes * 2 >= setting->name.size()) continue;
    least = changes;
    found = setting;
  }
  return found;
}

const Setting* find_flag(std::string_view flag, const Command& command) {
  if (flag.starts_with("--")) return find_setting(command, flag.substr(2));
  const auto has_letter = [&](const Setting* s) {
    return s->letter != '\0' && s->letter == flag[1];
  };
  const auto found = std::ranges::find_if(command.settings, has_letter);
  return flag.size() != 2 || found == command.settings.end() ? nullptr : *found;
}

std::string lists_them(const Command& command) {
  return "`" + std::string(command.name) + " --help` lists them";
}

// Wraps `text` at words, to the right of column kIndent.
void append_wrapped(std::string& out, std::string_view text) {
  std::size_t column = kIndent;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (column > kIndent && column + 1 + end > kColumns) {
      out += '\n';
      out.append(kIndent, ' ');
      column = kIndent;
    } else if (column > kIndent) {
      out += ' ';
      ++column;
    }
    out += text.substr(0, end);
    column += end;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  out += '\n';
}

void append_setting(std::string& out, const Setting& setting, bool letters) {
  std::string flag = letters ? "      --" : "  --";
  if (letters && setting.letter != '\0') flag = std::string("  -") + setting.letter + ", --";
  flag += setting.name;
  if (!setting.placeholder.empty()) flag.append(" ").append(setting.placeholder);
  // A long flag has a line of its own.
  if (flag.size() >= kIndent) flag += '\n' + std::string(kIndent, ' ');
  flag.resize(std::max(flag.size(), kIndent), ' ');
  std::string notes = setting.has_variable ? variable_of(setting) : "";
  if (!setting.default_text.empty() && setting.kind != SettingKind::kSwitch) {
    notes.append(notes.empty() ? "" : "; ").append("default: ").append(setting.default_text);
  }
  std::string doc(setting.doc);
  if (!notes.empty()) doc.append(" (").append(notes).append(")");
  out += flag;
  append_wrapped(out, doc);
}

}  // namespace

const Setting* find_setting(const Command& command, std::string_view name) {
  const auto found = std::ranges::find(command.settings, name, &Setting::name);
  return found == command.settings.end() ? nullptr : *found;
}

std::variant<CommandLine, UsageError> read_command_line(std::span<const std::string> args,
                                                        const Command& command) {
  CommandLine line;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string_view arg = args[i];
    if (arg == "-h" || arg == "--help") return UsageError{help_of(command), 0};
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
    const Setting* const setting = find_flag(flag, command);
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

UsageError unexpected(const std::string& where, const Setting& setting) {
  return {where + ": expected " + std::string(setting.expected)};
}

std::string variable_of(const Setting& setting) {
  std::string variable = "BIDE_";
  for (const char c : setting.name) {
    variable += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return variable;
}

std::string help_of(const Command& command) {
  std::string out(command.help_begin);
  const bool letters =
      std::ranges::any_of(command.settings, [](const Setting* s) { return s->letter != '\0'; });
  for (const Setting* const setting : command.settings) append_setting(out, *setting, letters);
  static constexpr Setting kHelp{
      .name = "help", .kind = SettingKind::kSwitch, .doc = "print this and exit", .letter = 'h'};
  append_setting(out, kHelp, letters);
  return out.append(command.help_end);
}

}  // namespace bide
