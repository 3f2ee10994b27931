// tests/server/net/tls_site.h: Certificates made for a test, and the client's side of TLS on a
// blocking socket.
//
// With TESTED_TLS=1.2 or 1.3 in the environment every ServedTable serves TLS and every Client
// speaks that version of it: tests that pass without TLS must pass with it.
#pragma once

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/files/pem_file.h"
#include "server/net/tls_context.h"
#include "tests/scratch_dir.h"

namespace bide::testing {

// A certificate and its key. Signed by `issuer`; null: by itself, as an authority.
class Identity {
 public:
  // `alternatives`: other names, as OpenSSL's configuration has them; null: none.
  explicit Identity(const std::string& name, const Identity* issuer = nullptr, int days = 1,
                    const char* alternatives = "DNS:localhost,IP:127.0.0.1")
      : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509* const made = certificate_.get();
    X509_set_version(made, 2);
    static long serial = 0;
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), days < 0 ? 86'400L * (days - 1) : -60);
    X509_gmtime_adj(X509_getm_notAfter(made), 86'400L * days);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    const X509* const signer = issuer == nullptr ? made : issuer->certificate_.get();
    X509_set_issuer_name(made, X509_get_subject_name(signer));
    X509_set_pubkey(made, key_.get());
    add(NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
    if (alternatives != nullptr) add(NID_subject_alt_name, alternatives);
    X509_sign(made, issuer == nullptr ? key_.get() : issuer->key_.get(), EVP_sha256());
  }

  // Both as PEM, into <path>.crt and <path>.key.
  void write(const std::filesystem::path& path) const {
    BIO* const certificate = BIO_new_file((path.string() + ".crt").c_str(), "w");
    PEM_write_bio_X509(certificate, certificate_.get());
    BIO_free(certificate);
    BIO* const key = BIO_new_file((path.string() + ".key").c_str(), "w");
    PEM_write_bio_PrivateKey(key, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    BIO_free(key);
  }
  void use_in(SSL_CTX* context) const {
    SSL_CTX_use_certificate(context, certificate_.get());
    SSL_CTX_use_PrivateKey(context, key_.get());
  }
  // A PEM file that lists these, signed by this authority. `days`: for so long it is in force.
  void write_revocations(const std::filesystem::path& path,
                         const std::vector<const Identity*>& revoked, int days = 1) const {
    const X509CrlPtr list(X509_CRL_new());
    X509_CRL_set_version(list.get(), 1);
    X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_.get()));
    const CHandle<ASN1_TIME, ASN1_TIME_free> now(X509_gmtime_adj(nullptr, 86'400L * (days - 2)));
    const CHandle<ASN1_TIME, ASN1_TIME_free> next(X509_gmtime_adj(nullptr, 86'400L * days));
    X509_CRL_set1_lastUpdate(list.get(), now.get());
    X509_CRL_set1_nextUpdate(list.get(), next.get());
    for (const Identity* const identity : revoked) {
      X509_REVOKED* const one = X509_REVOKED_new();
      X509_REVOKED_set_serialNumber(one, X509_get_serialNumber(identity->certificate_.get()));
      X509_REVOKED_set_revocationDate(one, now.get());
      X509_CRL_add0_revoked(list.get(), one);
    }
    X509_CRL_sort(list.get());
    X509_CRL_sign(list.get(), key_.get(), EVP_sha256());
    const BioPtr file(BIO_new_file(path.c_str(), "w"));
    PEM_write_bio_X509_CRL(file.get(), list.get());
  }
  [[nodiscard]] X509* certificate() const { return certificate_.get(); }

 private:
  void add(int what, const char* value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value);
    X509_add_ext(certificate_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }

  EvpPkeyPtr key_;
  X509Ptr certificate_;
};

// How a client speaks TLS.
class TlsDialer {
 public:
  explicit TlsDialer(int version = TLS1_3_VERSION)
      : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets that are closed already.
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
  }
  [[nodiscard]] SSL_CTX* context() const { return context_.get(); }

 private:
  std::shared_ptr<SSL_CTX> context_;
};

// A certificate of its own, and bide's side of TLS with it.
class TlsSite {
 public:
  explicit TlsSite(const std::filesystem::path& client_ca = {},
                   const std::filesystem::path& client_crl = {})
      : identity((Identity("localhost").write(scratch.path() / "server"), "localhost")),
        context({scratch.path() / "server.crt", scratch.path() / "server.key", client_ca,
                 client_crl}) {}

  ScratchDir scratch;
  std::string identity;
  TlsContext context;
};

// Null: without TLS.
inline const char* tested_tls() { return std::getenv("TESTED_TLS"); }
inline const TlsContext* usual_tls() {
  if (tested_tls() == nullptr) return nullptr;
  static const TlsSite site;
  return &site.context;
}
inline const TlsDialer* usual_dialer() {
  if (tested_tls() == nullptr) return nullptr;
  static const TlsDialer dialer(std::string_view(tested_tls()) == "1.2" ? TLS1_2_VERSION
                                                                        : TLS1_3_VERSION);
  return &dialer;
}

// The client's side on a connected, blocking socket.
class ClientTls {
 public:
  ClientTls(const TlsDialer& dialer, int fd) : fd_(fd), ssl_(SSL_new(dialer.context()), SSL_free) {
    SSL_set_fd(ssl_.get(), fd);
    ERR_clear_error();
    connected_ = SSL_connect(ssl_.get()) == 1;
  }
  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] SSL* ssl() const { return ssl_.get(); }

  void send(std::string_view bytes) const {
    ERR_clear_error();
    SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  }
  [[nodiscard]] ssize_t receive(char* out, std::size_t size) const {
    ERR_clear_error();
    return SSL_read(ssl_.get(), out, static_cast<int>(size));
  }
  void say_end() const {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  // The server has said close_notify, and then closed.
  [[nodiscard]] bool at_end() const {
    char byte;
    if (receive(&byte, 1) > 0) return false;
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0 &&
           ::recv(fd_, &byte, 1, 0) == 0;
  }

 private:
  int fd_;
  bool connected_ = false;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
};

}  // namespace bide::testing
