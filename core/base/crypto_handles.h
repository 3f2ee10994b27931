// core/base/crypto_handles.h: Owners for the objects that OpenSSL's libcrypto hands out.
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

#include "core/base/c_handle.h"

namespace bide {

using BignumPtr = CHandle<BIGNUM, BN_free>;
using BioPtr = CHandle<BIO, BIO_free>;
using EcdsaSigPtr = CHandle<ECDSA_SIG, ECDSA_SIG_free>;
using EvpMacPtr = CHandle<EVP_MAC, EVP_MAC_free>;
using EvpMacCtxPtr = CHandle<EVP_MAC_CTX, EVP_MAC_CTX_free>;
using EvpMdCtxPtr = CHandle<EVP_MD_CTX, EVP_MD_CTX_free>;
using EvpPkeyPtr = CHandle<EVP_PKEY, EVP_PKEY_free>;
using EvpPkeyCtxPtr = CHandle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using ParamBldPtr = CHandle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using ParamsPtr = CHandle<OSSL_PARAM, OSSL_PARAM_free>;
using X509CrlPtr = CHandle<X509_CRL, X509_CRL_free>;
using X509Ptr = CHandle<X509, X509_free>;

// While it lives, failing calls of OpenSSL leave nothing in the thread's error queue. TLS code on
// the same thread would take such an error for its own.
class QuietErrors {
 public:
  QuietErrors() { ERR_set_mark(); }
  ~QuietErrors() { ERR_pop_to_mark(); }
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;
};

}  // namespace bide
