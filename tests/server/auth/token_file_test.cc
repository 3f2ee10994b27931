#include "server/auth/token_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <atomic>
#include <future>
#include <utility>

#include "core/base/start_error.h"
#include "tests/scratch_dir.h"
#include "tests/server/auth/credentials.h"

using namespace bide;
using namespace bide::testing;

namespace {

const std::string kFirst = "0123456789abcdef";
const std::string kSecond = "another-token-of-32-characters!!";

struct Fixture {
  explicit Fixture(std::string_view text) { write_file(file, text); }

  ScratchDir dir;
  const std::filesystem::path file = dir.path() / "tokens";
};

std::string judged(const TokenFile& tokens, std::string_view token) {
  return outcome(tokens.judge(token, WallTime{}));
}

std::string start_trouble(const std::filesystem::path& file) {
  try {
    const TokenFile tokens(file);
  } catch (const StartError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("token file: its tokens may read, no others") {
  const Fixture fixture("# who\n\n" + kFirst + "\r\n" + kSecond);
  const TokenFile tokens(fixture.file);
  CHECK(judged(tokens, kFirst) == "permit");
  CHECK(judged(tokens, kSecond) == "permit");
  for (const std::string& other :
       {std::string(), kFirst + "0", kFirst.substr(1), kFirst.substr(0, 15), kFirst + "\r",
        kFirst + "\n", " " + kFirst, std::string("# who"), "0123456789ABCDEF" + kFirst,
        std::string(1'000'000, 'x'), kFirst + std::string(1, '\0'), std::string(16, '\0')}) {
    CAPTURE(other.substr(0, 80));
    CHECK(judged(tokens, other) == "invalid");
  }
  CHECK(tokens.files() == std::vector{fixture.file});
}

TEST_CASE("token file: a byte order mark in front is no part of a token") {
  const Fixture fixture("\xEF\xBB\xBF" + kFirst + "\r\n");
  CHECK(judged(TokenFile(fixture.file), kFirst) == "permit");
}

TEST_CASE("token file: each flipped bit makes another token") {
  const Fixture fixture(kSecond);
  const TokenFile tokens(fixture.file);
  for (std::size_t bit = 0; bit < kSecond.size() * 8; ++bit) {
    std::string flipped = kSecond;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    CHECK(judged(tokens, flipped) == "invalid");
  }
}

TEST_CASE(
    "token file: a client is a token, the same after a reload and another in another process") {
  const Fixture fixture(kFirst + "\n" + kSecond + "\n");
  TokenFile tokens(fixture.file);
  const auto client = [](const TokenFile& from, const std::string& token) {
    return std::get<Permit>(from.judge(token, WallTime{})).client;
  };
  const auto first = client(tokens, kFirst);
  CHECK(first != client(tokens, kSecond));
  CHECK_FALSE(tokens.reload());
  CHECK(first == client(tokens, kFirst));
  const TokenFile restarted(fixture.file);
  CHECK(first != client(restarted, kFirst));
  CHECK(std::get<Permit>(tokens.judge(kFirst, WallTime{})).expires == WallTime::max());
}

TEST_CASE("token file: what stands behind a token is what it may do") {
  const std::string kThird = "third-token-of-the-file";
  const Fixture fixture(kFirst + " read \n" + kSecond + "\twrite\r\n" + kThird +
                        "  write  jobs=own-*,deploy-7\n" + kThird + " read\n");
  const TokenFile tokens(fixture.file);
  const auto permit = [&](const std::string& token) {
    return std::get<Permit>(tokens.judge(token, WallTime{}));
  };
  CHECK((permit(kFirst).reads && !permit(kFirst).writes && permit(kFirst).jobs == nullptr));
  CHECK((permit(kSecond).reads && permit(kSecond).writes && permit(kSecond).jobs == nullptr));
  const Permit third = permit(kThird);
  CHECK(third.writes);  // Of two lines the first counts.
  REQUIRE(third.jobs != nullptr);
  for (const char* const in : {"own-", "own-1", "deploy-7"}) CHECK(third.jobs->covers(in));
  for (const char* const out : {"own", "deploy-77", "deploy", "xown-1", ""}) {
    CHECK_FALSE(third.jobs->covers(out));
  }
}

TEST_CASE("token file: the error names file and line, without the token") {
  const std::pair<std::string, std::string> cases[] = {
      {kFirst + "\n\nshort-secret\n", "line 3: a token of 12 characters could be guessed, 16 are"},
      {kFirst + "\n" + kSecond + "\x01\n", "line 2: has a character that is not visible ASCII"},
      {kFirst + " secret\n", "line 1: behind a token stand `read` or `write`, then jobs=PREFIX*"},
      {kFirst + " write secret\n", "line 1: behind a token stand"},
      {kFirst + " jobs=a write\n", "line 1: behind a token stand"},
      {kFirst + " write jobs=secret.\n", "line 1: jobs= is a list of ids"},
      {kFirst + " jobs=\n", "line 1: jobs= is a list of ids"},
      {kFirst + " jobs=a,,b\n", "line 1: jobs= is a list of ids"},
      {" " + kFirst + "\n", "line 1: a token of 0 characters"},
      {kSecond + "\n\xEF\xBB\xBF" + kFirst, "line 2: has a character that is not visible ASCII"},
      {kFirst + "\n" + std::string(4097, 's'), "line 2: a token has 4096 characters at most"},
      {"", "holds no token"},
      {"# nobody\n\r\n", "holds no token"},
  };
  for (const auto& row : cases) {
    CAPTURE(row.second);
    const auto& [text, why] = row;
    const Fixture fixture(text);
    const std::string trouble = start_trouble(fixture.file);
    CHECK(trouble.starts_with(fixture.file.string() + ": " + why));
    CHECK(trouble.find("secret") == std::string::npos);
    CHECK(trouble.find(kSecond) == std::string::npos);
    CHECK(trouble.find("sss") == std::string::npos);
  }
}

TEST_CASE("token file: 4096 characters and 10000 tokens are the limits") {
  std::string text = std::string(4096, 'x') + "\n";
  for (int i = 1; i < 10'000; ++i) text += "token-number-" + std::to_string(100'000 + i) + "\n";
  const Fixture fixture(text);
  TokenFile tokens(fixture.file);
  CHECK(judged(tokens, std::string(4096, 'x')) == "permit");
  CHECK(judged(tokens, "token-number-100001") == "permit");
  CHECK(judged(tokens, "token-number-109999") == "permit");
  write_file(fixture.file, text + kFirst);
  CHECK(tokens.reload()->find("more than 10000 tokens") != std::string::npos);
  CHECK(judged(tokens, kFirst) == "invalid");
}

TEST_CASE("token file: only a regular file will do") {
  const ScratchDir dir;
  CHECK(
      start_trouble(dir.path() / "none").ends_with(": cannot be read: No such file or directory"));
  CHECK(start_trouble(dir.path()).ends_with(": cannot be read: not a regular file"));
  const std::filesystem::path pipe = dir.path() / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(start_trouble(pipe).ends_with(": cannot be read: not a regular file"));
  const std::filesystem::path large = dir.path() / "large";
  write_file(large, "");
  std::filesystem::resize_file(large, (16 << 20) + 1);
  CHECK(start_trouble(large).find(": cannot be read: larger than 16 MiB") != std::string::npos);
}

TEST_CASE("token file: a reload replaces all tokens, and on an error none") {
  const Fixture fixture(kFirst);
  TokenFile tokens(fixture.file);
  write_file(fixture.file, kSecond + "\n" + kFirst.substr(1));
  CHECK(tokens.reload());
  CHECK(judged(tokens, kFirst) == "permit");
  CHECK(judged(tokens, kSecond) == "invalid");
  std::filesystem::remove(fixture.file);
  CHECK(tokens.reload());
  CHECK(judged(tokens, kFirst) == "permit");
  replace_file(fixture.file, kSecond);
  CHECK_FALSE(tokens.reload());
  CHECK(judged(tokens, kFirst) == "invalid");
  CHECK(judged(tokens, kSecond) == "permit");
}

TEST_CASE("token file: a token in both versions is accepted all through a reload") {
  const std::string both = kFirst + "\n" + kSecond;
  const Fixture fixture(both);
  TokenFile tokens(fixture.file);
  std::atomic<bool> over{false};
  const auto judge_all = [&] {
    std::size_t refused = 0;
    while (!over) refused += judged(tokens, kFirst) == "permit" ? 0 : 1;
    return refused;
  };
  auto one = std::async(std::launch::async, judge_all);
  auto other = std::async(std::launch::async, judge_all);
  std::size_t failed = 0;
  for (int i = 0; i < 200; ++i) {
    replace_file(fixture.file, i % 2 == 0 ? kFirst : both);
    failed += tokens.reload() ? 1 : 0;
  }
  over = true;
  CHECK(one.get() == 0);
  CHECK(other.get() == 0);
  CHECK(failed == 0);
  CHECK(judged(tokens, kSecond) == "permit");
}
