#include "server/files/pem_file.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace bide {
namespace {

constexpr std::size_t kPemBytesMax = 1 << 20;

std::string unreadable(int error) { return std::string("cannot be read: ") + std::strerror(error); }

// The file's bytes in memory, so that a slow disk or a pipe is read once and to a limit.
std::variant<BioPtr, std::string> read_file(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return unreadable(errno);
  BioPtr memory(BIO_new(BIO_s_mem()));
  std::array<char, 16'384> buffer;
  std::size_t total = 0;
  ssize_t got = 0;
  while (total <= kPemBytesMax && (got = ::read(fd, buffer.data(), buffer.size())) > 0) {
    BIO_write(memory.get(), buffer.data(), static_cast<int>(got));
    total += static_cast<std::size_t>(got);
  }
  const int error = errno;
  ::close(fd);
  if (got < 0) return unreadable(error);
  if (total > kPemBytesMax) return "is larger than 1 MiB";
  return memory;
}

// In place of OpenSSL's own, which asks at the terminal.
int no_passphrase(char* /*out*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

}  // namespace

std::variant<std::vector<X509Ptr>, std::string> read_certificates(
    const std::filesystem::path& path) {
  auto file = read_file(path);
  if (auto* const trouble = std::get_if<std::string>(&file)) return std::move(*trouble);
  BIO* const bio = std::get<BioPtr>(file).get();
  ERR_clear_error();
  std::vector<X509Ptr> all;
  while (X509Ptr one{PEM_read_bio_X509(bio, nullptr, nullptr, nullptr)}) {
    all.push_back(std::move(one));
  }
  const bool over = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!over) return "holds a damaged certificate";
  if (all.empty()) return "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)";
  return all;
}

std::variant<EvpPkeyPtr, std::string> read_private_key(const std::filesystem::path& path) {
  auto file = read_file(path);
  if (auto* const trouble = std::get_if<std::string>(&file)) return std::move(*trouble);
  ERR_clear_error();
  bool encrypted = false;
  EvpPkeyPtr key(
      PEM_read_bio_PrivateKey(std::get<BioPtr>(file).get(), nullptr, no_passphrase, &encrypted));
  ERR_clear_error();
  if (encrypted) return "is encrypted; expected a key without a passphrase";
  if (key == nullptr) return "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)";
  return key;
}

}  // namespace bide
