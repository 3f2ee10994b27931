#include "server/net/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "core/base/start_error.h"
#include "server/files/pem_file.h"
#include "server/log/log.h"

namespace bide {
namespace {

// Of TLS 1.3 all that OpenSSL has by default: AES-GCM and ChaCha20, as here.
constexpr const char* kCiphers12 = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kGroups = "X25519:P-256:P-384";

// RFC 7301: a list of names, each behind its length.
constexpr std::array<unsigned char, 9> kProtocols = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// Who offers nothing of ours goes on without: it may speak HTTP/1.1 all the same.
int choose_protocol(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void* /*argument*/) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kProtocols.data(), kProtocols.size(), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

std::string openssl_reason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason != nullptr ? reason : "OpenSSL refuses it";
}

// nullopt: done.
using Trouble = std::optional<std::string>;

Trouble configure(SSL_CTX* context) {
  TlsHandshake::prepare(context);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   // Who hangs up half-way is not sent an alert.
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  // The chain is what the file holds, and not looked for at each handshake.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context, kCiphers12) != 1 ||
      SSL_CTX_set1_groups_list(context, kGroups) != 1) {
    return "TLS cannot be set up: " + openssl_reason();
  }
  return std::nullopt;
}

Trouble use_certificate(SSL_CTX* context, const std::filesystem::path& path) {
  const std::string where = "--tls-cert " + path.string() + ": ";
  auto read = read_certificates(path);
  if (const auto* const trouble = std::get_if<std::string>(&read)) return where + *trouble;
  const auto& chain = std::get<std::vector<X509Ptr>>(read);
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1) return where + openssl_reason();
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) return where + openssl_reason();
  }
  return std::nullopt;
}

Trouble use_key(SSL_CTX* context, const TlsContext::Files& files) {
  const std::string where = "--tls-key " + files.key.string() + ": ";
  auto read = read_private_key(files.key);
  if (const auto* const trouble = std::get_if<std::string>(&read)) return where + *trouble;
  EVP_PKEY* const key = std::get<EvpPkeyPtr>(read).get();
  if (X509_check_private_key(SSL_CTX_get0_certificate(context), key) != 1) {
    return where + "is not the key of the certificate in " + files.certificate.string();
  }
  if (SSL_CTX_use_PrivateKey(context, key) != 1) return where + openssl_reason();
  return std::nullopt;
}

Trouble demand_client_certificate(SSL_CTX* context, const std::filesystem::path& path) {
  const std::string where = "--tls-client-ca " + path.string() + ": ";
  auto read = read_certificates(path);
  if (const auto* const trouble = std::get_if<std::string>(&read)) return where + *trouble;
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);  // An intermediate authority will do.
  for (const X509Ptr& authority : std::get<std::vector<X509Ptr>>(read)) {
    if (X509_STORE_add_cert(store, authority.get()) != 1 ||
        SSL_CTX_add_client_CA(context, authority.get()) != 1) {
      return where + openssl_reason();
    }
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return std::nullopt;
}

void warn_if_out_of_time(SSL_CTX* context, const std::filesystem::path& path) {
  const X509* const certificate = SSL_CTX_get0_certificate(context);
  const bool expired = X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
  const bool early = X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0;
  if (!expired && !early) return;
  const std::string file = path.string();
  log_warn(expired ? "the TLS certificate has expired" : "the TLS certificate is not valid yet",
           {{"file", std::string_view(file)}});
}

}  // namespace

std::variant<TlsContext::Context, std::string> TlsContext::load(const Files& files) {
  ERR_clear_error();
  Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (context == nullptr) return "TLS cannot be set up: " + openssl_reason();
  Trouble trouble = configure(context.get());
  if (!trouble) trouble = use_certificate(context.get(), files.certificate);
  if (!trouble) trouble = use_key(context.get(), files);
  if (!trouble && !files.client_ca.empty()) {
    trouble = demand_client_certificate(context.get(), files.client_ca);
  }
  if (trouble) return *std::move(trouble);
  warn_if_out_of_time(context.get(), files.certificate);
  return context;
}

TlsContext::TlsContext(Files files) : files_(std::move(files)) {
  if (const auto trouble = reload()) throw StartError(*trouble);
}

std::optional<std::string> TlsContext::reload() {
  std::variant<Context, std::string> loaded = load(files_);
  if (auto* const trouble = std::get_if<std::string>(&loaded)) return std::move(*trouble);
  MutexLock lock(mutex_);
  context_.swap(std::get<Context>(loaded));
  return std::nullopt;
}

std::vector<std::filesystem::path> TlsContext::files() const {
  std::vector<std::filesystem::path> files{files_.certificate, files_.key};
  if (!files_.client_ca.empty()) files.push_back(files_.client_ca);
  return files;
}

std::unique_ptr<TlsSession> TlsContext::begin(int fd) const {
  Context context;
  {
    MutexLock lock(mutex_);
    context = context_;
  }
  auto handshake = TlsHandshake::make(context.get(), fd);
  return handshake == nullptr ? nullptr : std::make_unique<TlsSession>(std::move(handshake), fd);
}

}  // namespace bide
