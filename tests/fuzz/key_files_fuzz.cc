// Who may read, by files that people and tools write: PEM, JWK sets, tokens. What is taken is of
// use and no more than it may be; what is not is refused in one line.
//
// Input: any file, tried as each of them.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <variant>

#include "core/base/start_error.h"
#include "server/auth/jwk_set.h"
#include "server/auth/pem_keys.h"
#include "server/auth/token_file.h"
#include "tests/fuzz/fuzz_input.h"

using namespace bide;
using namespace bide::fuzz;

namespace {

namespace fs = std::filesystem;

const fs::path& token_file() {
  static const fs::path made = [] {
    std::string name = (fs::temp_directory_path() / "bide-fuzz-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    return fs::path(name) / "tokens";
  }();
  return made;
}

void check_message(std::string_view message) {
  demand(!message.empty(), "a refusal says why");
  const bool one_line = std::all_of(message.begin(), message.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
  });
  demand(one_line, "in one line");
}

void check_ring(const std::variant<KeyRing, std::string>& parsed) {
  if (const auto* why = std::get_if<std::string>(&parsed)) return check_message(*why);
  const auto& ring = std::get<KeyRing>(parsed);
  demand(!ring.keys.empty() && ring.keys.size() <= KeyRing::kKeysMax, "as many as may be");
  for (const std::string& note : ring.notes) check_message(note);
  for (const VerificationKey& key : ring.keys) {
    demand(key.algorithm() != SigningAlgorithm::kHs256, "a public key is no secret");
    for (const std::string& forged :
         {std::string(), std::string(64, '\0'), std::string(256, 'x')}) {
      demand(!key.verifies("text", forged), "nobody signed this");
    }
  }
}

// Every line that is a token lets its bearer in, and the empty one nobody.
void check_tokens(std::string_view text) {
  std::ofstream(token_file(), std::ios::binary | std::ios::trunc) << text;
  try {
    const TokenFile tokens(token_file());
    demand(!std::holds_alternative<Permit>(tokens.judge("", {})), "no token is none");
    std::string_view rest = text;
    if (rest.starts_with("\xEF\xBB\xBF"))
      rest.remove_prefix(3);  // A byte order mark is no token's.
    while (!rest.empty()) {
      std::string_view line = take_until(rest, "\n");
      if (line.ends_with('\r')) line.remove_suffix(1);
      line = line.substr(0, line.find_first_of(" \t"));
      if (line.empty() || line.starts_with('#')) continue;
      demand(std::holds_alternative<Permit>(tokens.judge(line, {})), "a token is good");
    }
  } catch (const StartError& error) {
    check_message(error.what());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  check_ring(parse_pem_keys(text));
  check_ring(parse_jwk_set(text));
  check_tokens(text);
  return 0;
}
