#include "client/tls_trust.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace bide {
namespace {

// False: out of memory. Then no certificate is accepted.
bool expect(X509_VERIFY_PARAM* expected, std::string host) {
  // Certificates name a host without the dot that ends an absolute name.
  if (host.ends_with('.')) host.pop_back();
  X509_VERIFY_PARAM_set_hostflags(
      expected, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1) return true;
  ERR_clear_error();  // The host is no address.
  return X509_VERIFY_PARAM_set1_host(expected, host.c_str(), host.size()) == 1;
}

bool load(SSL_CTX* context, const std::string& cacert) {
  return cacert.empty() ? SSL_CTX_set_default_verify_paths(context) == 1
                        : SSL_CTX_load_verify_locations(context, cacert.c_str(), nullptr) == 1;
}

}  // namespace

TlsTrust::TlsTrust(SSL_CTX* context, const std::string& host, const std::string& cacert) {
  if (!load(context, cacert)) loading_ = "there is no certificate in " + cacert;
  if (!expect(SSL_CTX_get0_param(context), host)) loading_ = "out of memory";
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_verified);
  reset();
}

int TlsTrust::on_verified(int good, X509_STORE_CTX* store) {
  const void* const ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  SSL_CTX* const context = SSL_get_SSL_CTX(static_cast<const SSL*>(ssl));
  auto& trust = *static_cast<TlsTrust*>(SSL_CTX_get_app_data(context));
  if (!trust.loading_.empty()) return 0;
  if (good != 1 && trust.complaint_.empty()) {
    trust.complaint_ = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
  }
  return good;
}

}  // namespace bide
