#include "client/completion.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "client/commands.h"

namespace bide {
namespace {

class Completer {
 public:
  Completer(std::span<const std::string> words, std::span<const Command* const> commands,
            const FindIds& find_ids)
      : current_(words.back()),
        before_(words.first(words.size() - 1)),
        commands_(commands),
        find_ids_(find_ids) {}

  Completion run() {
    if (before_.empty()) {
      offer_commands();
      offer("--help", "describe the commands");
      offer("--version", "print the versions");
      return std::move(found_);
    }
    const Command* const command = find_command(before_.front(), commands_);
    if (command == nullptr) return {};
    before_ = before_.subspan(1);
    after_command(*command);
    return std::move(found_);
  }

 private:
  void offer(std::string_view word, std::string_view meaning = {}) {
    if (word.starts_with(current_))
      found_.candidates.push_back({std::string(word), std::string(meaning)});
  }
  void offer_commands() {
    for (const Command* const command : commands_) offer(word_of(*command), command->summary);
  }
  // The words of a list, behind `prefix`.
  void offer_list(std::string_view list, const std::string& prefix = {}) {
    for (const std::string_view word : words_of(list)) offer(prefix + std::string(word));
  }

  void after_command(const Command& command) {
    const auto dashes = std::ranges::find(before_, "--");
    if (dashes != before_.end()) {
      const bool first = std::next(dashes) == before_.end();
      if (command.words == WordKind::kProgram) {
        found_.others = first ? Completion::Others::kPrograms : Completion::Others::kFiles;
      } else {
        offer_words(command);
      }
      return;
    }
    if (!before_.empty()) {
      const Setting* const setting = find_flag(command, before_.back());
      if (setting != nullptr && setting->kind != SettingKind::kSwitch) {
        return offer_values(*setting, "");
      }
    }
    const std::size_t equals = current_.find('=');
    if (current_.starts_with("--") && equals != std::string::npos) {
      const Setting* const setting = find_flag(command, current_.substr(0, equals));
      if (setting != nullptr) offer_values(*setting, current_.substr(0, equals + 1));
      return;
    }
    if (current_.starts_with('-')) return offer_flags(command);
    offer_words(command);
  }

  void offer_values(const Setting& setting, const std::string& prefix) {
    constexpr std::array<std::string_view, 3> kFiles = {"FILE", "DIR", "PATH"};
    offer_list(setting.choices, prefix);
    if (std::ranges::find(kFiles, setting.placeholder) != kFiles.end()) {
      found_.others = Completion::Others::kFiles;
    }
  }

  void offer_flags(const Command& command) {
    for (const Setting* const setting : command.settings) {
      const std::string flag = "--" + std::string(setting->name);
      const bool given = std::ranges::find_if(before_, [&](const std::string& word) {
                           return word == flag || word.starts_with(flag + "=") ||
                                  find_flag(command, word) == setting;
                         }) != before_.end();
      if (!given || setting->repeats) offer(flag, setting->doc);
    }
    offer("--help", "print this and exit");
  }

  // The words before the cursor that are no flags and no values of flags.
  [[nodiscard]] std::vector<std::string> words_before(const Command& command) const {
    std::vector<std::string> words;
    for (std::size_t i = 0; i < before_.size(); ++i) {
      const Setting* const setting = find_flag(command, before_[i]);
      if (setting != nullptr) {
        if (setting->kind != SettingKind::kSwitch) ++i;
      } else if (!before_[i].starts_with('-')) {
        words.push_back(before_[i]);
      }
    }
    return words;
  }

  void offer_words(const Command& command) {
    const std::vector<std::string> words = words_before(command);
    switch (command.words) {
      case WordKind::kNone:
        return;
      case WordKind::kJob:
      case WordKind::kProgram:
        return words.empty() ? offer_ids(command, words) : void();
      case WordKind::kJobs:
        return offer_ids(command, words);
      case WordKind::kEvent:
        if (words.size() == 1) offer_list(kEventWords);
        return words.empty() ? offer_ids(command, words) : void();
      case WordKind::kCommand:
        return words.empty() ? offer_commands() : void();
      case WordKind::kShell:
        return words.empty() ? offer_list("bash,zsh,fish") : void();
    }
  }

  void offer_ids(const Command& command, const std::vector<std::string>& given) {
    for (Candidate& job : find_ids_(command, before_, current_)) {
      if (!job.word.starts_with(current_) || std::ranges::find(given, job.word) != given.end()) {
        continue;
      }
      found_.candidates.push_back(std::move(job));
    }
  }

  const std::string current_;
  std::span<const std::string> before_;
  const std::span<const Command* const> commands_;
  const FindIds& find_ids_;
  Completion found_;
};

}  // namespace

Completion complete(std::span<const std::string> words, std::span<const Command* const> commands,
                    const FindIds& find_ids) {
  if (words.empty()) return {};
  return Completer(words, commands, find_ids).run();
}

}  // namespace bide
