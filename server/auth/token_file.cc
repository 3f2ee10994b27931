#include "server/auth/token_file.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/base/secret_text.h"
#include "core/base/start_error.h"
#include "server/files/small_file.h"

namespace bide {
namespace {

constexpr std::size_t kTokenFileBytesMax = 16 << 20U;
constexpr const char* kMakeOne = "; make one with `openssl rand -hex 32`";

bool is_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

// Why a line is no token. The text shows only the length of the line.
std::optional<std::string> find_fault(std::string_view token) {
  if (!is_visible_ascii(token)) {
    return "has a character that is not visible ASCII; a line is TOKEN [read|write] "
           "[jobs=PREFIX*]";
  }
  if (token.size() < TokenFile::kTokenBytesMin) {
    return "a token of " + std::to_string(token.size()) + " characters could be guessed, " +
           std::to_string(TokenFile::kTokenBytesMin) + " are needed" + kMakeOne;
  }
  if (token.size() > TokenFile::kTokenBytesMax) {
    return "a token has " + std::to_string(TokenFile::kTokenBytesMax) +
           " characters at most, this has " + std::to_string(token.size()) + kMakeOne;
  }
  return std::nullopt;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(word.size());
  return word;
}

// Reads what follows the token. The text names no word of the line: it may be a secret.
std::optional<std::string> read_rights(std::string_view line, TokenFile::Known& known) {
  constexpr std::string_view kJobs = "jobs=";
  constexpr const char* kGrammar = "behind a token stand `read` or `write`, then jobs=PREFIX*";
  std::string_view word = take_word(line);
  if (word == "read" || word == "write") {
    known.writes = word == "write";
    word = take_word(line);
  }
  if (word.starts_with(kJobs)) {
    word.remove_prefix(kJobs.size());
    std::vector<std::string> patterns;
    for (bool more = true; more;) {
      const std::size_t comma = word.find(',');
      more = comma != std::string_view::npos;
      patterns.emplace_back(word.substr(0, comma));
      if (!JobScope::is_pattern(patterns.back())) {
        return "jobs= is a list of ids, or of beginnings of ids with `*` behind them";
      }
      if (more) word.remove_prefix(comma + 1);
    }
    known.jobs = std::make_shared<const JobScope>(std::move(patterns));
    word = take_word(line);
  }
  return word.empty() ? std::nullopt : std::optional<std::string>(kGrammar);
}

bool before(const TokenFile::Known& known, const KeyedDigest::Value& digest) {
  return known.digest < digest;
}

// The string: the error, to follow the name of the file.
std::variant<std::vector<TokenFile::Known>, std::string> parse(std::string_view text,
                                                               const KeyedDigest& digest) {
  std::vector<TokenFile::Known> tokens;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = take_line(text);
    if (line.empty() || line.starts_with('#')) continue;
    if (tokens.size() == TokenFile::kTokensMax) {
      return "holds more than " + std::to_string(TokenFile::kTokensMax) +
             " tokens; signed ones (--auth jwt) need no list";
    }
    // A token begins its line.
    const std::string_view token = line.substr(0, line.find_first_of(" \t"));
    line.remove_prefix(token.size());
    TokenFile::Known known;
    auto fault = find_fault(token);
    if (!fault) fault = read_rights(line, known);
    if (fault) return "line " + std::to_string(number) + ": " + *fault;
    known.digest = digest.of(token);
    tokens.push_back(std::move(known));
  }
  if (tokens.empty()) return "holds no token, one a line is expected" + std::string(kMakeOne);
  // Of two lines with one token the first counts.
  std::stable_sort(tokens.begin(), tokens.end(),
                   [](const auto& a, const auto& b) { return a.digest < b.digest; });
  return tokens;
}

}  // namespace

TokenFile::TokenFile(std::filesystem::path file)
    : file_(std::move(file)), digest_(KeyedDigest::random()) {
  if (const auto why = TokenFile::reload()) throw StartError(*why);
}

std::variant<Permit, Denial> TokenFile::judge(std::string_view token, WallTime) const {
  if (token.size() < kTokenBytesMin || token.size() > kTokenBytesMax) return Denial::kInvalid;
  const KeyedDigest::Value wanted = digest_.of(token);
  const auto tokens = tokens_.get();
  const auto it = std::lower_bound(tokens->begin(), tokens->end(), wanted, before);
  if (it == tokens->end() || !equal(it->digest, wanted)) return Denial::kInvalid;
  return Permit{.client = client_of(wanted), .writes = it->writes, .jobs = it->jobs};
}

std::optional<std::variant<Permit, Denial>> TokenFile::recall(std::string_view token,
                                                              WallTime now) const {
  std::variant<Permit, Denial> judged = TokenFile::judge(token, now);
  if (std::holds_alternative<Denial>(judged)) return std::nullopt;
  return judged;
}

std::optional<std::string> TokenFile::reload() {
  const std::uint64_t turn = tokens_.take_turn();
  const auto file = read_small_file(file_, {.bytes_max = kTokenFileBytesMax, .regular_only = true});
  if (const auto* trouble = std::get_if<Unreadable>(&file)) {
    return file_.string() + ": cannot be read: " + trouble->why;
  }
  auto tokens = parse(without_byte_order_mark(std::get<FileText>(file).text()), digest_);
  if (const auto* why = std::get_if<std::string>(&tokens)) return file_.string() + ": " + *why;
  tokens_.install(turn, std::make_shared<const std::vector<Known>>(std::get<0>(std::move(tokens))));
  return std::nullopt;
}

}  // namespace bide
