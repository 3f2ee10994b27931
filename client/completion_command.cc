// `bide completion`: the scripts with which shells complete command lines, and what they call. The
// scripts know nothing of bide: at each Tab they run `bide __complete WORD...`, which prints
// candidates from the tables of the commands, and ids of jobs from the server.
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <utility>

#include "client/api_access.h"
#include "client/commands.h"
#include "client/completion.h"
#include "client/job_page.h"
#include "client/job_summary.h"
#include "client/usage.h"
#include "core/job/entry.h"

namespace bide {
namespace {

constexpr std::string_view kCommand = "bide completion";

// COMP_WORDBREAKS makes three words of `--output=json`. They are joined here, and what stands
// before the value is cut off again, because readline replaces the value only.
constexpr std::string_view kBash = R"(# Completes bide's commands, flags and jobs in bash.
_bide() {
  local -a words
  local word line cut joined i n=0
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == = && $n -gt 0 && ${words[n-1]} == --* ]]; then
      words[n-1]+==
      joined=1
    elif [[ $joined ]]; then
      words[n-1]+=$word
      joined=
    else
      words[n++]=$word
    fi
  done
  word=${words[n-1]}
  [[ $word == --*=* && $COMP_WORDBREAKS == *=* ]] && cut=${word%%=*}=
  word=${word#"$cut"}
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files)
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$word") ;;
      :programs)
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -c -- "$word") ;;
      *)
        line=${line%%$'\t'*}
        [[ $line == *= ]] && compopt -o nospace 2>/dev/null
        COMPREPLY+=("${line#"$cut"}") ;;
    esac
  done < <(bide __complete "${words[@]}" 2>/dev/null)
}
complete -F _bide bide
)";

constexpr std::string_view kZsh = R"(#compdef bide
# Completes bide's commands, flags and jobs in zsh.
_bide() {
  local line word
  local -a found others
  while IFS= read -r line; do
    case $line in
      :files) others=(_files) ;;
      :programs) others=(_command_names -e) ;;
      *)
        word=${line%%$'\t'*}
        found+=("${word//:/\\:}:${line#*$'\t'}") ;;
    esac
  done < <(bide __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)
  (( $#found )) && _describe -V bide found
  if (( $#others )); then
    [[ $PREFIX == --*=* ]] && compset -P '*='
    $others
  fi
}
if [[ $funcstack[1] == _bide ]]; then
  _bide "$@"
else
  compdef _bide bide
fi
)";

constexpr std::string_view kFish = R"(# Completes bide's commands, flags and jobs in fish.
function __bide_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (bide __complete $words[2..] "$current" 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path (string replace -r '^--[^=]*=' '' -- "$current")
            case ':programs'
                __fish_complete_command
            case '*'
                printf '%s\n' $line
        end
    end
end
complete -c bide -f -a '(__bide_complete)'
)";

constexpr std::chrono::milliseconds kPatience{1000};
constexpr unsigned kPatienceInAllS = 2;

// Prints nothing when something fails, because it runs while the user types.
std::vector<Candidate> find_ids(const Command& command, std::span<const std::string> args,
                                const std::string& prefix) {
  std::vector<Candidate> ids;
  if (!prefix.empty() && !is_job_id(prefix)) return ids;
  const auto parsed = Arguments::parse(args, command);
  const auto* const arguments = std::get_if<Arguments>(&parsed);
  if (arguments == nullptr) return ids;
  const auto access = find_api_access(*arguments);
  const auto* const api = std::get_if<ApiAccess>(&access);
  if (api == nullptr) return ids;
  // Resolving a name has no limit of its own.
  ::signal(SIGALRM, [](int) { ::_exit(0); });
  ::alarm(kPatienceInAllS);
  HttpConnection connection(api->server, api->token, api->cacert);
  auto reply =
      fetch(connection, "/job?limit=100" + (prefix.empty() ? "" : "&q=" + prefix), kPatience);
  auto* const document = std::get_if<Document>(&reply);
  if (document == nullptr) return ids;
  const auto page = page_of(std::move(document->body));
  if (!page) return ids;
  for (const std::string_view item : page->items) {
    const JobSummary job = summary_of(item);
    if (!is_job_id(job.id)) continue;
    ids.push_back({job.id, job.status ? std::string(word_of(*job.status)) : ""});
  }
  return ids;
}

std::string line_of(const Candidate& candidate) {
  return candidate.word + "\t" + candidate.meaning + "\n";
}

}  // namespace

const Command& completion_command() {
  static const Command command{
      .name = kCommand,
      .summary = "print a script with which a shell completes bide's command lines",
      .synopsis = {"bash|zsh|fish"},
      .description = R"(The script completes commands, flags, their values, and the ids of jobs, for
which it asks the server in BIDE_SERVER or --server. If the server does not answer within a second
or two, no id is offered.

bash: add `source <(bide completion bash)` to ~/.bashrc. zsh: the same with zsh, in ~/.zshrc after
compinit. fish: write the script to ~/.config/fish/completions/bide.fish.)",
      .examples = {"source <(bide completion bash)", "bide completion zsh >_bide",
                   "bide completion fish >bide.fish"},
      .settings = {},
      .takes_words = true,
      .words = WordKind::kShell};
  return command;
}

int run_completion(std::span<const std::string> args) {
  const auto parsed = Arguments::parse(args, completion_command());
  if (const auto* end = std::get_if<UsageError>(&parsed)) return finish(kCommand, *end);
  const std::vector<std::string>& words = std::get<Arguments>(parsed).words();
  if (words.size() != 1) return fail_usage(kCommand, Misuse{"expected bash, zsh or fish"});
  const std::string& shell = words.front();
  const std::string_view script = shell == "bash"   ? kBash
                                  : shell == "zsh"  ? kZsh
                                  : shell == "fish" ? kFish
                                                    : "";
  if (script.empty()) {
    return fail_usage(kCommand,
                      Misuse{"expected bash, zsh or fish" + meant(shell, "bash,zsh,fish")});
  }
  std::cout << script << std::flush;
  if (!std::cout) return fail(kCommand, ExitCode::kBideFailed, "cannot write to stdout");
  return 0;
}

int run_complete(std::span<const std::string> words, std::span<const Command* const> commands) {
  try {
    const Completion completion = complete(words, commands, find_ids);
    std::string out;
    for (const Candidate& candidate : completion.candidates) out += line_of(candidate);
    if (completion.others == Completion::Others::kFiles) out += ":files\n";
    if (completion.others == Completion::Others::kPrograms) out += ":programs\n";
    std::cout << out << std::flush;
  } catch (const std::exception&) {
    return static_cast<int>(ExitCode::kBideFailed);
  }
  return 0;
}

}  // namespace bide
