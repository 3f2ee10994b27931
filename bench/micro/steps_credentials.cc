#include "bench/micro/steps_credentials.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

#include "core/base/base64.h"
#include "core/base/crypto_handles.h"

namespace bide::bench {
namespace {

constexpr std::size_t kTokens = 1000;
constexpr std::string_view kSecret = "a secret of 32 bytes and some more";

void must(bool holds) {
  if (!holds) std::abort();
}

std::string opaque_token(std::size_t number) {
  return "d41d8cd98f00b204e9800998ecf8427e-" + std::to_string(100'000 + number);
}

void write(const std::filesystem::path& file, std::string_view text) {
  std::ofstream out(file);
  std::filesystem::permissions(
      file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  must(static_cast<bool>(out << text << std::flush));
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string private_pem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(bio.get());
}

void write_signing_keys(const std::filesystem::path& directory) {
  const EvpPkeyPtr key(EVP_RSA_gen(2048));
  const BioPtr bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_PUBKEY(bio.get(), key.get()) == 1);
  write(directory / "public.pem", text_of(bio.get()));
  write(directory / "private.pem", private_pem(key.get()));
}

void write_certificate(const std::filesystem::path& directory) {
  const EvpPkeyPtr key(EVP_EC_gen("P-256"));
  const X509Ptr made(X509_new());
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 86'400);
  must(X509_set_pubkey(made.get(), key.get()) == 1 &&
       X509_sign(made.get(), key.get(), EVP_sha256()) > 0);
  const BioPtr bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_X509(bio.get(), made.get()) == 1);
  write(directory / "server.crt", text_of(bio.get()));
  write(directory / "server.key", private_pem(key.get()));
}

EvpPkeyPtr signing_key(const std::string& pem) {
  if (pem.empty()) {
    return EvpPkeyPtr(EVP_PKEY_new_raw_private_key(
        EVP_PKEY_HMAC, nullptr, reinterpret_cast<const unsigned char*>(kSecret.data()),
        kSecret.size()));
  }
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return EvpPkeyPtr(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

}  // namespace

void write_credentials(Setting setting, const std::filesystem::path& directory) {
  if (setting == Setting::kTls) return write_certificate(directory);
  if (setting == Setting::kRs256New) return write_signing_keys(directory);
  std::string tokens;
  for (std::size_t i = 0; i < kTokens; ++i) tokens += opaque_token(i) + " write\n";
  write(directory / "tokens", tokens);
  write(directory / "secret", kSecret);
}

TokenMaker::TokenMaker(Setting setting, const std::filesystem::path& directory)
    : setting_(setting) {
  std::ifstream in(directory / "private.pem");
  private_key_.assign(std::istreambuf_iterator<char>(in), {});
}

std::string TokenMaker::authorization(std::size_t step) const {
  switch (setting_) {
    case Setting::kPlain:
    case Setting::kLabels:
    case Setting::kPlaces:
    case Setting::kRate:
    case Setting::kTls:
      return "";
    case Setting::kTokenFile:
      return "Authorization: Bearer " + opaque_token(kTokens / 3) + "\r\n";
    case Setting::kJwt:
      return "Authorization: Bearer " + token(0) + "\r\n";
    case Setting::kJwtNew:
    case Setting::kRs256New:
      return "Authorization: Bearer " + token(step) + "\r\n";
  }
  return "";
}

std::string TokenMaker::token(std::size_t step) const {
  const std::string algorithm = private_key_.empty() ? "HS256" : "RS256";
  const std::string text =
      encode_base64url(R"({"alg":")" + algorithm + R"(","typ":"JWT"})") + '.' +
      encode_base64url(R"({"iss":"osapi","sub":"user-)" + std::to_string(100'000 + step) +
                       R"(","exp":4102444800,"permissions":["job:read"]})");
  return text + '.' + encode_base64url(signature(text));
}

std::string TokenMaker::signature(std::string_view text) const {
  const EvpPkeyPtr key = signing_key(private_key_);
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  std::vector<unsigned char> out(512);
  std::size_t size = out.size();
  must(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
       EVP_DigestSign(context.get(), out.data(), &size,
                      reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1);
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
}

}  // namespace bide::bench
