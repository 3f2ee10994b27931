// server/crypto_handles.h: Owners for the objects that OpenSSL's libcrypto hands out.
//
// Thread safety: as std::unique_ptr.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include <memory>

namespace bide {

template <auto kFree>
struct CryptoFree {
  template <typename T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};

using BignumPtr = std::unique_ptr<BIGNUM, CryptoFree<BN_free>>;
using BioPtr = std::unique_ptr<BIO, CryptoFree<BIO_free>>;
using EcdsaSigPtr = std::unique_ptr<ECDSA_SIG, CryptoFree<ECDSA_SIG_free>>;
using EvpMacPtr = std::unique_ptr<EVP_MAC, CryptoFree<EVP_MAC_free>>;
using EvpMacCtxPtr = std::unique_ptr<EVP_MAC_CTX, CryptoFree<EVP_MAC_CTX_free>>;
using EvpMdCtxPtr = std::unique_ptr<EVP_MD_CTX, CryptoFree<EVP_MD_CTX_free>>;
using EvpPkeyPtr = std::unique_ptr<EVP_PKEY, CryptoFree<EVP_PKEY_free>>;
using EvpPkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, CryptoFree<EVP_PKEY_CTX_free>>;
using ParamBldPtr = std::unique_ptr<OSSL_PARAM_BLD, CryptoFree<OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, CryptoFree<OSSL_PARAM_free>>;
using X509Ptr = std::unique_ptr<X509, CryptoFree<X509_free>>;

// What fails within leaves nothing in the thread's error queue, which whoever does TLS on that
// thread would take for trouble of his own.
class QuietErrors {
 public:
  QuietErrors() { ERR_set_mark(); }
  ~QuietErrors() { ERR_pop_to_mark(); }
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;
};

}  // namespace bide
