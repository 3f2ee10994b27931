// client/tls_trust.h: Whether the server that answers is the one that was asked, as curl decides
// it.
//
// The name is compared with the certificate's subject alternative names only, never with its common
// name (RFC 6125 section 6.4.4), without regard to case; an address only with addresses.
// cpp-httplib 0.11.4 takes a common name where the alternative names do not fit, and compares with
// case.
//
// Thread safety: one thread at a time.
#pragma once

#include <openssl/ssl.h>

#include <string>

namespace bide {

class TlsTrust {
 public:
  // Has `context` verify its peers. It must not be used after this object's end. `cacert`: a PEM
  // file with those who sign; empty: the system's store.
  TlsTrust(SSL_CTX* context, const std::string& host, const std::string& cacert);
  TlsTrust(const TlsTrust&) = delete;
  TlsTrust& operator=(const TlsTrust&) = delete;

  // Which check failed since reset(); empty: none did.
  [[nodiscard]] const std::string& complaint() const { return complaint_; }
  void reset() { complaint_ = loading_; }

 private:
  static int on_verified(int good, X509_STORE_CTX* store);

  std::string loading_;  // Why `cacert` cannot be used.
  std::string complaint_;
};

}  // namespace bide
