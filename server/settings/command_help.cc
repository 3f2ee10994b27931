#include "server/settings/command_help.h"

#include <algorithm>

namespace bide {
namespace {

constexpr std::size_t kMeaningMin = 24;  // With less room a meaning stands below its term.
constexpr std::size_t kAlignedMin = 60;
constexpr std::size_t kTermMax = 28;  // A longer term has a line of its own.

constexpr Setting kHelp{
    .name = "help", .kind = SettingKind::kSwitch, .doc = "print this and exit", .letter = 'h'};

// Appends the words of `text`. `column`: where `out` stands, kept.
void append_words(std::string& out, std::size_t& column, std::string_view text, std::size_t indent,
                  std::size_t columns) {
  constexpr std::string_view kBlanks = " \n";
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    if (text.empty()) return;
    const std::string_view word = text.substr(0, text.find_first_of(kBlanks));
    if (column > indent && column + 1 + word.size() > columns) {
      out.append(1, '\n').append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    text.remove_prefix(word.size());
  }
}

void append_examples(std::string& out, const Command& command) {
  if (command.examples.empty()) return;
  out += "\nExamples:\n";
  for (const std::string_view line : command.examples) out.append("  ").append(line).append("\n");
}

void append_usage(std::string& out, const Command& command, std::size_t columns) {
  out += "Usage:\n";
  for (const std::string_view line : command.synopsis) {
    out += "  ";
    std::size_t column = 2;
    append_words(out, column, command.name, 2, columns);
    append_words(out, column, line, 6, columns);
    out += '\n';
  }
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\n\n"), text.size());
    if (!out.empty()) out += '\n';
    out.append(indent, ' ');
    std::size_t column = indent;
    append_words(out, column, text.substr(0, end), indent, columns);
    out += '\n';
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return out;
}

std::string rows_of(const std::vector<std::pair<std::string, std::string>>& rows,
                    std::size_t indent, std::size_t columns) {
  std::size_t widest = 0;
  for (const auto& [term, meaning] : rows) {
    if (term.size() <= kTermMax) widest = std::max(widest, term.size());
  }
  std::size_t right = indent + widest + 2;
  const bool two_columns = right + kMeaningMin <= columns;
  if (!two_columns) right = indent + 4;
  std::string out;
  for (const auto& [term, meaning] : rows) {
    out.append(indent, ' ').append(term);
    const std::string text = wrapped(meaning, right, columns);
    if (!two_columns || term.size() > widest) {
      out.append("\n").append(text);
    } else {
      out.append(text, indent + term.size());
    }
  }
  return out;
}

std::string flag_of(const Setting& setting) {
  std::string flag = setting.letter == '\0' ? "" : std::string("-") + setting.letter + ", ";
  flag.append("--").append(setting.name);
  if (!setting.placeholder.empty()) flag.append(" ").append(setting.placeholder);
  return flag;
}

std::string meaning_of(const Setting& setting) {
  std::string notes = setting.has_variable ? variable_of(setting) : "";
  if (!setting.default_text.empty() && setting.kind != SettingKind::kSwitch) {
    notes.append(notes.empty() ? "" : "; ").append("default: ").append(setting.default_text);
  }
  std::string meaning(setting.doc);
  if (!notes.empty()) meaning.append(" (").append(notes).append(")");
  return meaning;
}

std::vector<SettingGroup> groups_of(const Command& command) {
  std::vector<SettingGroup> groups;
  for (const Setting* const setting : command.settings) {
    auto group = std::ranges::find(groups, setting->group, &SettingGroup::heading);
    if (group == groups.end()) group = groups.insert(groups.end(), {setting->group, {}});
    group->settings.push_back(setting);
  }
  if (groups.empty()) groups.emplace_back();
  groups.back().settings.push_back(&kHelp);
  return groups;
}

std::string help_of(const Command& command, std::size_t columns) {
  std::string out =
      wrapped(std::string(command.name).append(": ").append(command.summary), 0, columns) + "\n";
  append_usage(out, command, columns);
  if (!command.description.empty()) out += "\n" + wrapped(command.description, 0, columns);
  append_examples(out, command);
  const bool letters =
      std::ranges::any_of(command.settings, [](const Setting* s) { return s->letter != '\0'; });
  for (const SettingGroup& group : groups_of(command)) {
    out.append("\n").append(group.heading.empty() ? "Flags" : group.heading).append(":\n");
    std::vector<std::pair<std::string, std::string>> rows;
    for (const Setting* const setting : group.settings) {
      const bool aligned = letters && setting->letter == '\0' && columns >= kAlignedMin;
      rows.emplace_back((aligned ? "    " : "") + flag_of(*setting), meaning_of(*setting));
    }
    out += rows_of(rows, 2, columns);
  }
  if (!command.notes.empty()) out += "\n" + wrapped(command.notes, 0, columns);
  if (command.exit_codes.empty()) return out;
  std::vector<std::pair<std::string, std::string>> rows;
  for (const ExitMeaning& exit : command.exit_codes) rows.emplace_back(exit.code, exit.meaning);
  return out + "\nExit codes:\n" + rows_of(rows, 2, columns);
}

}  // namespace bide
