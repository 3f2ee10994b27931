#include "client/tls_trust.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

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

std::string text_of(ASN1_TIME* time) {
  BIO* const memory = BIO_new(BIO_s_mem());
  if (memory == nullptr) return {};
  char* bytes = nullptr;
  ASN1_TIME_print(memory, time);
  const long size = BIO_get_mem_data(memory, &bytes);
  std::string text(bytes, static_cast<std::size_t>(std::max(size, 0L)));
  BIO_free(memory);
  return text;
}

// Some of the names and addresses in the certificate. A server may put anything there: fail()
// shows only what is printable.
std::string names_of(X509* certificate) {
  constexpr int kNamesMax = 5;
  auto* const names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  std::string text;
  const int count = names == nullptr ? 0 : sk_GENERAL_NAME_num(names);
  for (int i = 0; i < count && i < kNamesMax; ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
    const ASN1_STRING* const value = name->type == GEN_DNS     ? name->d.dNSName
                                     : name->type == GEN_IPADD ? name->d.iPAddress
                                                               : nullptr;
    if (value == nullptr) continue;
    const auto* const bytes = ASN1_STRING_get0_data(value);
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(value));
    if (!text.empty()) text += ", ";
    if (name->type == GEN_DNS) {
      text.append(reinterpret_cast<const char*>(bytes), std::min<std::size_t>(size, 255));
    } else if (size == 4 || size == 16) {
      std::array<char, INET6_ADDRSTRLEN> address{};
      inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, address.data(), address.size());
      text += address.data();
    }
  }
  GENERAL_NAMES_free(names);
  return text + (count > kNamesMax ? ", ..." : "");
}

// What the user can do about the check that failed.
std::string cure_of(int error, X509* certificate, const std::string& host) {
  switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: {
      const std::string names = certificate == nullptr ? "" : names_of(certificate);
      return names.empty() ? "; it is for no name at all, and common names do not count"
                           : "; it is for " + names + " and not for " + host;
    }
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return certificate == nullptr
                 ? ""
                 : " on " + text_of(X509_getm_notAfter(certificate)) +
                       "; the server needs a new one, if the clock here is right";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return certificate == nullptr ? ""
                                    : " before " + text_of(X509_getm_notBefore(certificate)) +
                                          "; is the clock here right?";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "; if you trust its CA, name the CA's file with --cacert or BIDE_CACERT";
    default:
      return "";
  }
}

bool load(SSL_CTX* context, const std::string& cacert) {
  return cacert.empty() ? SSL_CTX_set_default_verify_paths(context) == 1
                        : SSL_CTX_load_verify_locations(context, cacert.c_str(), nullptr) == 1;
}

}  // namespace

TlsTrust::TlsTrust(SSL_CTX* context, const std::string& host, const std::string& cacert)
    : host_(host) {
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
    const int error = X509_STORE_CTX_get_error(store);
    trust.complaint_ = X509_verify_cert_error_string(error) +
                       cure_of(error, X509_STORE_CTX_get_current_cert(store), trust.host_);
  }
  return good;
}

}  // namespace bide
