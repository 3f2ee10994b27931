// tests/fuzz/jwt_fuzz.cc: Any bytes as a token, as the claims of one, and as its header.
//
// The authority has a key of each kind: those of RFC 7515 appendices A.2 and A.3 and RFC 8037
// appendix A, whose private parts everybody knows, so that the seeds stay good. What it permits
// must have been signed here.
#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "core/base/base64.h"
#include "core/base/crypto_handles.h"
#include "server/auth/jwt_authority.h"

namespace bide {
namespace {

constexpr WallTime kNow{std::chrono::seconds(1'800'000'000)};
constexpr std::string_view kSecret = "a secret of more than thirty-two bytes";
constexpr std::string_view kKeys =
    R"({"keys":[{"kid":"r","kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbj)"
    "i9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690"
    "r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmt"
    "dVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAc"
    R"(DTW9gb54h4FRWyuXpoQ"},{"kid":"e","kty":"EC","crv":"P-256",)"
    R"("x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},)"
    R"({"kid":"d","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";

[[noreturn]] void fail(std::string_view what, std::string_view token) {
  std::cerr << what << ": " << token << '\n';
  std::abort();
}

std::unique_ptr<JwtAuthority> authority_of(const char* secret, std::string_view keys) {
  std::string name = (std::filesystem::temp_directory_path() / "bide-fuzz-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  const std::filesystem::path dir = name;
  JwtSettings settings{.key_file = dir / "keys"};
  std::ofstream(*settings.key_file) << keys;
  if (secret != nullptr) {
    settings.secret_file = dir / "secret";
    std::ofstream(*settings.secret_file) << secret;
  }
  auto authority = std::make_unique<JwtAuthority>(std::move(settings));
  std::filesystem::remove_all(dir);
  return authority;
}

std::string unsigned_token(std::string_view header, std::string_view claims) {
  return encode_base64url(header) + '.' + encode_base64url(claims);
}

std::string hs256_token(std::string_view secret, std::string_view header, std::string_view claims) {
  const std::string text = unsigned_token(header, claims);
  std::array<unsigned char, 32> out{};
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size);
  return text + '.' + encode_base64url({reinterpret_cast<const char*>(out.data()), size});
}

// All that the seeds in corpora/jwt sign.
std::set<std::string> signed_texts() {
  std::set<std::string> texts;
  for (const char* header : {R"({"alg":"HS256"})", R"({"alg":"RS256","kid":"r"})",
                             R"({"alg":"ES256","kid":"e"})", R"({"alg":"EdDSA","kid":"d"})"}) {
    texts.insert(unsigned_token(header, R"({"exp":1900000000,"sub":"ci","role":"read"})"));
  }
  return texts;
}

bool permits(const JwtAuthority& authority, std::string_view token) {
  const auto judged = authority.judge(token, kNow);
  const auto* permit = std::get_if<Permit>(&judged);
  if (permit != nullptr && permit->expires <= kNow) fail("permitted beyond its end", token);
  // The second time it may be remembered.
  const auto again = authority.judge(token, kNow);
  if (again.index() != judged.index()) fail("judged otherwise the second time", token);
  return permit != nullptr;
}

void judge(std::string_view bytes) {
  static const auto all = authority_of(kSecret.data(), kKeys);
  static const auto public_only = authority_of(nullptr, kKeys);
  static const std::set<std::string> texts = signed_texts();

  if (permits(*all, bytes) && texts.count(std::string(bytes.substr(0, bytes.rfind('.')))) == 0) {
    fail("permitted what nobody signed", bytes);
  }
  const std::string header = R"({"alg":"HS256"})";
  const std::string claims = R"({"exp":1900000000,"role":"read"})";
  if (!permits(*all, hs256_token(kSecret, header, claims))) fail("refused a reader", claims);
  static_cast<void>(permits(*all, hs256_token(kSecret, header, bytes)));
  const std::string secretly = hs256_token(kSecret, bytes, claims);
  static_cast<void>(permits(*all, secretly));
  if (permits(*public_only, secretly)) fail("took a secret it does not have", secretly);
  const std::string confused = hs256_token(kKeys, bytes, claims);
  if (permits(*all, confused)) fail("took a public key for a secret", confused);
}

}  // namespace
}  // namespace bide

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bide::judge({reinterpret_cast<const char*>(data), size});
  return 0;
}
