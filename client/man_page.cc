#include "client/man_page.h"

#include <algorithm>
#include <string_view>

#include "client/commands.h"
#include "client/config_template.h"
#include "server/settings/command_help.h"
#include "server/settings/settings.h"

namespace bide {
namespace {

constexpr std::size_t kColumns = 60;  // Of the source; readers wrap it as wide as they are.

// Hyphens and quotes stay as they are written, for copying.
std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool line_begins = i == 0 || text[i - 1] == '\n';
    switch (text[i]) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      case '.':
        out += line_begins ? "\\&." : ".";
        break;
      default:
        out += text[i];
    }
  }
  return out;
}

// Source lines are short, as roff's own tools like them.
std::string paragraph(std::string_view text) { return escaped(wrapped(text, 0, kColumns)); }

// A request `.PP` between paragraphs, where the text has an empty line.
std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\n\n"), text.size());
    if (!out.empty()) out += ".PP\n";
    out += paragraph(text.substr(0, end));
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

std::string section(std::string_view name) { return ".SH " + upper(name) + "\n"; }

std::string head_of(const std::string& title, char number, const Release& release,
                    std::string_view summary) {
  return ".TH " + escaped(upper(title)) + " " + number + " " + release.date + " \"bide " +
         escaped(release.version) + "\" \"bide\"\n" + section("name") + escaped(title) + " \\- " +
         escaped(summary) + "\n";
}

std::string term(const std::string& text, std::string_view meaning) {
  return ".TP\n" + text + "\n" + paragraph(meaning);
}

std::string bold(std::string_view text) { return "\\fB" + escaped(text) + "\\fR"; }

std::string flag_term(const Setting& setting) {
  std::string text = setting.letter == '\0' ? "" : bold(std::string("-") + setting.letter) + ", ";
  text += bold("--" + std::string(setting.name));
  if (!setting.placeholder.empty()) text += " \\fI" + escaped(setting.placeholder) + "\\fR";
  return text;
}

std::string examples_of(const std::vector<std::string_view>& lines) {
  if (lines.empty()) return {};
  std::string text = section("examples") + ".nf\n";
  for (const std::string_view line : lines) text += escaped(line) + "\n";
  return text + ".fi\n";
}

std::string see_also(const std::vector<std::string>& pages) {
  std::string text = section("see also");
  for (std::size_t i = 0; i < pages.size(); ++i) {
    const std::size_t dot = pages[i].rfind('.');
    text += ".BR " + escaped(pages[i].substr(0, dot)) + " (" + pages[i].substr(dot + 1) + ")" +
            (i + 1 < pages.size() ? " ,\n" : "\n");
  }
  return text;
}

std::string page_name(const Command& command) { return "bide-" + std::string(word_of(command)); }

ManPage page_of(const Command& command, const Release& release) {
  std::string text = head_of(page_name(command), '1', release, command.summary);
  text += section("synopsis");
  for (std::size_t i = 0; i < command.synopsis.size(); ++i) {
    if (i > 0) text += ".br\n";
    text += bold(command.name) + "\n";
    if (!command.synopsis[i].empty()) text += paragraph(command.synopsis[i]);
  }
  text += section("description") +
          paragraphs(command.description.empty() ? command.summary : command.description);
  text += section("options");
  for (const SettingGroup& group : groups_of(command)) {
    if (!group.heading.empty()) text += ".SS " + escaped(group.heading) + "\n";
    for (const Setting* const setting : group.settings) {
      text += term(flag_term(*setting), meaning_of(*setting));
    }
  }
  if (!command.notes.empty()) text += section("notes") + paragraphs(command.notes);
  text += examples_of(command.examples);
  if (!command.exit_codes.empty()) {
    text += section("exit status");
    for (const ExitMeaning& exit : command.exit_codes) {
      if (exit.code.empty()) {
        const bool first = &exit == &command.exit_codes.front();
        text += (first ? "" : ".PP\n") + paragraph(exit.meaning);
      } else {
        text += term(bold(exit.code), exit.meaning);
      }
    }
  }
  std::vector<std::string> others = {"bide.1"};
  if (word_of(command) == "serve") others.emplace_back("bide.toml.5");
  text += see_also(others);
  return {page_name(command) + ".1", std::move(text)};
}

ManPage overview_page(std::span<const Command* const> commands, const Release& release) {
  std::string text = head_of("bide", '1', release, kWhatItIs);
  text += section("synopsis") + bold("bide") + "\n.I COMMAND\n[\\fIARGUMENTS\\fR]\n";
  text += section("description") +
          paragraphs(
              "bide keeps the states of jobs in memory that workers write into a NATS JetStream "
              "key-value bucket, and answers over HTTP at once, conditionally, or held until there "
              "is news.\n\nData goes to stdout, everything else to stderr.");
  text += section("commands");
  std::vector<std::string> pages;
  for (const Command* const command : commands) {
    text += term(bold(command->name), command->summary);
    pages.push_back(page_name(*command) + ".1");
  }
  text += section("environment");
  text += term(bold("BIDE_TOKEN"), "the bearer token, if the server wants one");
  std::vector<std::string> seen;
  for (const Command* const command : commands) {
    for (const Setting* const setting : command->settings) {
      if (!setting->has_variable) continue;
      std::string variable = variable_of(*setting);
      if (std::ranges::find(seen, variable) != seen.end()) continue;
      text += term(bold(variable), setting->doc);
      seen.push_back(std::move(variable));
    }
  }
  pages.emplace_back("bide.toml.5");
  text += see_also(pages);
  return {"bide.1", std::move(text)};
}

ManPage toml_page(const Release& release) {
  std::string text = head_of("bide.toml", '5', release, "settings of bide serve");
  text +=
      section("description") +
      paragraphs(
          "`bide serve --config FILE` reads its settings from FILE, in TOML: a key and a value "
          "a line. Every key is also a flag and a variable: max-wait = \"30s\" is --max-wait 30s "
          "and BIDE_MAX_WAIT=30s. A flag beats a variable, a variable beats the file. An unknown "
          "key is an error. Durations are strings such as \"500ms\", \"30s\" or \"1m30s\", or "
          "whole seconds.");
  for (const SettingGroup& group : groups_of(serve_command())) {
    text += section(group.heading);
    for (const Setting* const setting : group.settings) {
      if (find_serve_setting(setting->name) == nullptr) continue;  // --config and --help.
      const std::string value = toml_default_of(*setting);
      text += term(bold(setting->name), std::string(setting->doc) +
                                            ". Expected: " + std::string(setting->expected) + "." +
                                            (value.empty() ? "" : " Default: " + value + "."));
    }
  }
  text += examples_of({"listen = \"127.0.0.1:8080\"", "nats = \"nats://nats.example:4222\"",
                       "bucket = \"job-queue\"", "max-wait = \"30s\"", "max-parked = 50000",
                       "allow-anonymous = false"});
  return {"bide.toml.5", text + see_also({"bide-serve.1"})};
}

}  // namespace

std::vector<ManPage> man_pages_of(std::span<const Command* const> commands,
                                  const Release& release) {
  std::vector<ManPage> pages = {overview_page(commands, release), toml_page(release)};
  for (const Command* const command : commands) pages.push_back(page_of(*command, release));
  return pages;
}

}  // namespace bide
