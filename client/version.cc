#include "client/version.h"

#include <httplib.h>
#include <openssl/crypto.h>
#include <rapidjson/rapidjson.h>
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

std::string version_text(std::string_view libraries) {
  const unsigned xxhash = XXH_versionNumber();
  std::string text = "bide " BIDE_VERSION;
  if (!kCommit.empty()) text.append(" (").append(kCommit).append(")");
#ifdef __clang__
  text += "\ncompiler: " __VERSION__;
#else
  text += "\ncompiler: GCC " __VERSION__;
#endif
  text += std::string("\nOpenSSL: ") + OpenSSL_version(OPENSSL_VERSION_STRING);
  text += "\ncpp-httplib: " CPPHTTPLIB_VERSION;
  text += "\nRapidJSON: " RAPIDJSON_VERSION_STRING;
  text += "\nxxHash: " + dotted(xxhash / 10'000, xxhash / 100 % 100, xxhash % 100) + "\n";
  return text.append(libraries);
}

Release release() { return {BIDE_VERSION, std::string(kCommitAndDate[1])}; }

}  // namespace bide
