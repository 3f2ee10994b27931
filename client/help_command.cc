// `bide help`: describes the commands from their tables.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "client/commands.h"
#include "client/config_template.h"
#include "client/usage.h"
#include "core/base/printable.h"
#include "core/base/similar_word.h"
#include "core/base/terminal_width.h"
#include "server/settings/command_help.h"

namespace bide {
namespace {

constexpr std::string_view kCommand = "bide help";
constexpr Setting kMan{.name = "man",
                       .placeholder = "DIR",
                       .doc = "write the man pages of all commands into this folder",
                       .expected = "a folder"};

constexpr Setting kConfig{.name = "config",
                          .kind = SettingKind::kSwitch,
                          .doc = "print a file for `bide serve --config` with every setting"};

int write_man_pages(const std::filesystem::path& dir, std::span<const Command* const> commands,
                    const Release& release) {
  std::error_code ignored;  // Opening says what is wrong.
  std::filesystem::create_directories(dir, ignored);
  for (const ManPage& page : man_pages_of(commands, release)) {
    std::ofstream file(dir / page.file, std::ios::binary);
    file << page.text << std::flush;
    if (!file) {
      return fail(kCommand, ExitCode::kBideFailed, "cannot write " + (dir / page.file).string());
    }
  }
  return 0;
}

}  // namespace

std::string overview_of(std::span<const Command* const> commands, std::size_t columns) {
  std::string text = wrapped("bide " + std::string(kWhatItIs) + ".", 0, columns);
  text += "\nUsage:\n  bide COMMAND [ARGUMENTS]\n\nCommands:\n";
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Command* const command : commands) {
    rows.emplace_back(word_of(*command), command->summary);
  }
  text += rows_of(rows, 2, columns);
  text += "\nExamples:\n";
  text +=
      "  bide serve\n"
      "  bide run build-7 -- make -j8\n"
      "  bide wait build-7\n"
      "  bide help wait\n";
  return text + "\n" +
         wrapped(
             "`bide COMMAND --help` and `bide help COMMAND` say more. Data goes to stdout, "
             "everything else to stderr.",
             0, columns);
}

const Command& help_command() {
  static const Command command{
      .name = kCommand,
      .summary = "describe the commands",
      .synopsis = {"[COMMAND]", "--config", "--man DIR"},
      .description =
          "Describes a command, like `bide COMMAND --help`. Without one, lists them all.",
      .examples = {"bide help", "bide help wait", "bide help --config > bide.toml",
                   "bide help --man man"},
      .settings = {&kConfig, &kMan},
      .takes_words = true,
      .words = WordKind::kCommand};
  return command;
}

const Command* find_command(std::string_view word, std::span<const Command* const> commands) {
  const auto found = std::ranges::find_if(
      commands, [&](const Command* command) { return word_of(*command) == word; });
  return found == commands.end() ? nullptr : *found;
}

int fail_unknown_command(std::string_view word, std::span<const Command* const> commands) {
  std::vector<std::string_view> words;
  for (const Command* const command : commands) words.push_back(word_of(*command));
  const std::string_view similar = similar_word(word, words);
  std::string message = "there is no command `" + printable(word, "?") + "`; ";
  if (!similar.empty()) message.append("did you mean ").append(similar).append("? ");
  return fail("bide", ExitCode::kUsage, message + "`bide help` lists them");
}

int run_help(std::span<const std::string> args, std::span<const Command* const> commands,
             const Release& release) {
  const auto parsed = Arguments::parse(args, help_command());
  if (const auto* end = std::get_if<UsageError>(&parsed)) return finish(kCommand, *end);
  const auto& arguments = std::get<Arguments>(parsed);
  const std::vector<std::string>& words = arguments.words();
  if (words.size() > 1) return fail_usage(kCommand, Misuse{"expected one command"});
  if (arguments.given("man")) return write_man_pages(arguments.value("man"), commands, release);
  const std::size_t columns = columns_of(STDOUT_FILENO);
  if (arguments.given("config")) {
    std::cout << config_template() << std::flush;
  } else if (words.empty()) {
    std::cout << overview_of(commands, columns) << std::flush;
  } else {
    const Command* const command = find_command(words.front(), commands);
    if (command == nullptr) return fail_unknown_command(words.front(), commands);
    std::cout << help_of(*command, columns) << std::flush;
  }
  if (!std::cout) return fail(kCommand, ExitCode::kBideFailed, "cannot write to stdout");
  return 0;
}

}  // namespace bide
