// client/completion.h: Proposes words for a command line, from the commands' tables.
//
// Thread safety: pure, apart from `find_ids`.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "server/settings/command_line.h"

namespace bide {

struct Candidate {
  std::string word;
  std::string meaning;  // One line; may be empty.
};

struct Completion {
  // The shell itself adds the names of files or programs.
  enum class Others : std::uint8_t { kNone, kFiles, kPrograms };

  std::vector<Candidate> candidates;
  Others others = Others::kNone;
};

// Jobs whose id begins with `prefix`, for `command` with the arguments before the cursor.
using FindIds = std::function<std::vector<Candidate>(
    const Command& command, std::span<const std::string> args, const std::string& prefix)>;

// `words`: those after `bide`, up to and with the one at the cursor, which may be empty.
[[nodiscard]] Completion complete(std::span<const std::string> words,
                                  std::span<const Command* const> commands,
                                  const FindIds& find_ids);

}  // namespace bide
