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

// TLS 1.3 has OpenSSL's default suites: AES-GCM and ChaCha20, as here.
constexpr const char* kCiphers12 = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kGroups = "X25519:P-256:P-384";

// RFC 7301: a list of names, each behind its length, the best first.
constexpr std::array<unsigned char, 12> kProtocols = {2,   'h', '2', 8,   'h', 't',
                                                      't', 'p', '/', '1', '.', '1'};
constexpr std::size_t kHttp2Bytes = 3;  // At their front.

// `first`: of kProtocols. A client that offers no protocol of ours goes on without one: it may
// speak HTTP/1.1 all the same.
int choose_protocol(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void* first) {
  const auto* const ours = static_cast<const unsigned char*>(first);
  const auto size = static_cast<unsigned>(kProtocols.data() + kProtocols.size() - ours);
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, ours, size, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
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

Trouble configure(SSL_CTX* context, bool http2) {
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                   // HTTP says where a message ends. Without this a client that
                                   // closes without close_notify is sent an alert.
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // Sends the chain in the file, instead of searching for one at each handshake.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_read_ahead(context, 1);  // One system call for a record instead of two.
  const unsigned char* const first = kProtocols.data() + (http2 ? 0 : kHttp2Bytes);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, const_cast<unsigned char*>(first));
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

void warn(std::string_view what, const std::filesystem::path& path) {
  const std::string file = path.string();
  log_warn(what, {{"file", std::string_view(file)}});
}

Trouble look_for_revoked(SSL_CTX* context, const std::filesystem::path& path) {
  const std::string where = "--tls-client-crl " + path.string() + ": ";
  auto read = read_revocations(path);
  if (const auto* const trouble = std::get_if<std::string>(&read)) return where + *trouble;
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  for (const X509CrlPtr& list : std::get<std::vector<X509CrlPtr>>(read)) {
    if (X509_STORE_add_crl(store, list.get()) != 1) return where + openssl_reason();
    const ASN1_TIME* const next = X509_CRL_get0_nextUpdate(list.get());
    if (next != nullptr && X509_cmp_current_time(next) < 0) {
      warn("a list of revoked certificates has expired, and its clients are refused", path);
    }
  }
  return std::nullopt;
}

void warn_if_out_of_time(SSL_CTX* context, const std::filesystem::path& path) {
  const X509* const certificate = SSL_CTX_get0_certificate(context);
  const bool expired = X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
  const bool early = X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0;
  if (!expired && !early) return;
  warn(expired ? "the TLS certificate has expired" : "the TLS certificate is not valid yet", path);
}

// As the handshake verifies it, against the certificates and lists of `context`.
Trouble verify_client(SSL* ssl, SSL_CTX* context) {
  const CHandle<X509_STORE_CTX, X509_STORE_CTX_free> judge(X509_STORE_CTX_new());
  if (judge == nullptr ||
      X509_STORE_CTX_init(judge.get(), SSL_CTX_get_cert_store(context),
                          SSL_get0_peer_certificate(ssl), SSL_get_peer_cert_chain(ssl)) != 1) {
    return "out of memory";
  }
  X509_VERIFY_PARAM* const terms = X509_STORE_CTX_get0_param(judge.get());
  X509_VERIFY_PARAM_set_auth_level(terms, SSL_get_security_level(ssl));
  if (X509_STORE_CTX_set_default(judge.get(), "ssl_client") != 1 ||
      X509_VERIFY_PARAM_set1(terms, SSL_get0_param(ssl)) != 1) {
    return "out of memory";
  }
  if (X509_verify_cert(judge.get()) == 1) return std::nullopt;
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(judge.get()));
}

}  // namespace

std::variant<TlsContext::Context, std::string> TlsContext::load(const Files& files, bool http2) {
  ERR_clear_error();
  Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (context == nullptr) return "TLS cannot be set up: " + openssl_reason();
  Trouble trouble = configure(context.get(), http2);
  if (!trouble) trouble = use_certificate(context.get(), files.certificate);
  if (!trouble) trouble = use_key(context.get(), files);
  if (!trouble && !files.client_ca.empty()) {
    trouble = demand_client_certificate(context.get(), files.client_ca);
  }
  if (!trouble && !files.client_crl.empty()) {
    trouble = look_for_revoked(context.get(), files.client_crl);
  }
  if (trouble) return *std::move(trouble);
  warn_if_out_of_time(context.get(), files.certificate);
  return context;
}

TlsContext::TlsContext(Files files, bool http2) : files_(std::move(files)), http2_(http2) {
  if (const auto trouble = reload()) throw StartError(*trouble);
}

std::optional<std::string> TlsContext::reload() {
  std::variant<Context, std::string> loaded = load(files_, http2_);
  if (auto* const trouble = std::get_if<std::string>(&loaded)) return std::move(*trouble);
  MutexLock lock(mutex_);
  context_.swap(std::get<Context>(loaded));
  generation_.fetch_add(1, std::memory_order_release);
  return std::nullopt;
}

std::vector<std::filesystem::path> TlsContext::files() const {
  std::vector<std::filesystem::path> files{files_.certificate, files_.key};
  for (const std::filesystem::path* const path : {&files_.client_ca, &files_.client_crl}) {
    if (!path->empty()) files.push_back(*path);
  }
  return files;
}

TlsContext::InForce TlsContext::in_force() const {
  MutexLock lock(mutex_);
  return {context_, generation_.load(std::memory_order_relaxed)};
}

std::unique_ptr<TlsStream> TlsContext::begin(int fd) const {
  const InForce now = in_force();
  return TlsStream::make(now.context.get(), fd, now.generation);
}

std::optional<std::string> TlsContext::find_objection(TlsStream& stream) const {
  if (stream.generation == generation_.load(std::memory_order_acquire)) return std::nullopt;
  const InForce now = in_force();
  if (!files_.client_ca.empty()) {
    if (auto trouble = verify_client(stream.ssl(), now.context.get())) return trouble;
  }
  stream.generation = now.generation;
  return std::nullopt;
}

}  // namespace bide
