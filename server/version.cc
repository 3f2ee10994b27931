#include "server/version.h"

#include <httplib.h>
#include <nats/nats.h>
#include <openssl/crypto.h>
#include <rapidjson/rapidjson.h>
#include <toml++/toml.h>
#include <wslay/wslay.h>
#include <xxhash.h>

namespace bide {
namespace {

constexpr std::string_view kCommitAndDate[] = {
#include "commit.inc"
};
constexpr std::string_view kCommit = kCommitAndDate[0];

std::string dotted(unsigned major, unsigned minor, unsigned patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace

std::string version_text() {
  const unsigned xxhash = XXH_versionNumber();
  std::string text = "bide " BIDE_VERSION;
  if (!kCommit.empty()) text.append(" (").append(kCommit).append(")");
#ifdef __clang__
  text += "\ncompiler: " __VERSION__;
#else
  text += "\ncompiler: GCC " __VERSION__;
#endif
  text += std::string("\nOpenSSL: ") + OpenSSL_version(OPENSSL_VERSION_STRING);
  text += std::string("\nnats.c: ") + nats_GetVersion();
  text += "\ncpp-httplib: " CPPHTTPLIB_VERSION;
  text += "\nwslay: " WSLAY_VERSION;
  text += "\ntoml++: " + dotted(TOML_LIB_MAJOR, TOML_LIB_MINOR, TOML_LIB_PATCH);
  text += "\nRapidJSON: " RAPIDJSON_VERSION_STRING;
  text += "\nxxHash: " + dotted(xxhash / 10'000, xxhash / 100 % 100, xxhash % 100);
  return text += "\n";
}

Release release() { return {BIDE_VERSION, std::string(kCommitAndDate[1])}; }

const Command& version_command() {
  static const Command command{.name = "bide version",
                               .summary = "print the versions of bide and of its libraries",
                               .synopsis = {""},
                               .description = "`bide --version` prints the same.",
                               .examples = {"bide version"},
                               .settings = {},
                               .takes_words = true};
  return command;
}

}  // namespace bide
