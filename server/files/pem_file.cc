#include "server/files/pem_file.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <utility>

#include "server/files/small_file.h"

namespace bide {
namespace {

std::string unreadable(const Unreadable& trouble) { return "cannot be read: " + trouble.why; }

// `file` must outlive it.
BioPtr reader_of(const FileText& file) {
  const std::string_view text = file.text();
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// In place of OpenSSL's own, which asks at the terminal.
int no_passphrase(char* /*out*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

}  // namespace

std::variant<std::vector<X509Ptr>, std::string> read_certificates(
    const std::filesystem::path& path) {
  const auto file = read_small_file(path);
  if (const auto* const trouble = std::get_if<Unreadable>(&file)) return unreadable(*trouble);
  const BioPtr bio = reader_of(std::get<FileText>(file));
  ERR_clear_error();
  std::vector<X509Ptr> all;
  while (X509Ptr one{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    all.push_back(std::move(one));
  }
  const bool over = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!over) return "holds a damaged certificate";
  if (all.empty()) return "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)";
  return all;
}

std::variant<EvpPkeyPtr, std::string> read_private_key(const std::filesystem::path& path) {
  const auto file = read_small_file(path);
  if (const auto* const trouble = std::get_if<Unreadable>(&file)) return unreadable(*trouble);
  ERR_clear_error();
  const BioPtr bio = reader_of(std::get<FileText>(file));
  bool encrypted = false;
  EvpPkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &encrypted));
  ERR_clear_error();
  if (encrypted) return "is encrypted; expected a key without a passphrase";
  if (key == nullptr) return "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)";
  return key;
}

}  // namespace bide
