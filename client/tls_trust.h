// client/tls_trust.h: Verifies that a server's certificate is valid for the host, as curl does.
//
// A host name is compared only with the certificate's subject alternative names, ignoring case, and
// never with its common name (RFC 6125 section 6.4.4). An address is compared only with addresses.
// cpp-httplib 0.11.4 also accepts a common name, and compares with case.
//
// Thread safety: one thread at a time.
#pragma once

#include <openssl/ssl.h>

#include <string>

namespace bide {

class TlsTrust {
 public:
  // Makes `context` verify its peers. It must not be used after this object is destroyed. `cacert`:
  // a PEM file with CA certificates; empty: the system's store.
  TlsTrust(SSL_CTX* context, const std::string& host, const std::string& cacert);
  TlsTrust(const TlsTrust&) = delete;
  TlsTrust& operator=(const TlsTrust&) = delete;

  // The check that failed since reset(), and what to do about it. Empty: none.
  [[nodiscard]] const std::string& complaint() const { return complaint_; }
  void reset() { complaint_ = loading_; }

 private:
  static int on_verified(int good, X509_STORE_CTX* store);

  const std::string host_;
  std::string loading_;  // Why `cacert` cannot be used.
  std::string complaint_;
};

}  // namespace bide
