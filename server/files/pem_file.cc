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

// Replaces OpenSSL's callback, which asks at the terminal.
int no_passphrase(char* /*out*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

// Everything that `read_one` finds. `label`: the label of the PEM block; `what`: the same in words.
template <typename Handle, typename ReadOne>
std::variant<std::vector<Handle>, std::string> read_all(const std::filesystem::path& path,
                                                        ReadOne&& read_one, const std::string& what,
                                                        const std::string& label) {
  const auto file = read_small_file(path);
  if (const auto* const trouble = std::get_if<Unreadable>(&file)) return unreadable(*trouble);
  const BioPtr bio = reader_of(std::get<FileText>(file));
  ERR_clear_error();
  std::vector<Handle> all;
  while (Handle one{read_one(bio.get(), nullptr, nullptr, nullptr)}) all.push_back(std::move(one));
  const bool over = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!over) return "holds a damaged " + what;
  if (all.empty()) return "holds no " + what + " in PEM (-----BEGIN " + label + "-----)";
  return all;
}

}  // namespace

std::variant<std::vector<X509Ptr>, std::string> read_certificates(
    const std::filesystem::path& path) {
  return read_all<X509Ptr>(path, PEM_read_bio_X509, "certificate", PEM_STRING_X509);
}

std::variant<std::vector<X509CrlPtr>, std::string> read_revocations(
    const std::filesystem::path& path) {
  return read_all<X509CrlPtr>(path, PEM_read_bio_X509_CRL, "list of revoked certificates",
                              PEM_STRING_X509_CRL);
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
