#include "server/net/tls_handshake.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <string_view>

#include "core/base/crypto_handles.h"

namespace bide {
namespace {

// The oldest of the errors: the later ones say where it came through.
std::string first_error() {
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  return reason != nullptr ? reason : "the client left half-way";
}

// RFC 5246 section 5.
bool expand_1_2(const EVP_MD* hash, std::span<unsigned char> secret, std::string seed,
                std::span<unsigned char> out) {
  static EVP_KDF* const prf = EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_PRF, nullptr);
  const EvpKdfCtxPtr context(EVP_KDF_CTX_new(prf));
  const std::array params = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                       const_cast<char*>(EVP_MD_get0_name(hash)), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret.data(), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed.data(), seed.size()),
      OSSL_PARAM_construct_end()};
  return context != nullptr &&
         EVP_KDF_derive(context.get(), out.data(), out.size(), params.data()) == 1;
}

// What OpenSSL has agreed to on its own account: there is no way to have it decline.
std::size_t plain_bytes_max(const SSL* ssl) {
  const std::uint8_t asked = SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl));
  return asked == TLSEXT_max_fragment_length_DISABLED ? TlsTraffic::kPlainBytesMax : 256UL << asked;
}

}  // namespace

// A socket without SIGPIPE.
struct TlsHandshake::Wire {
  static TlsHandshake& owner(BIO* bio) { return *static_cast<TlsHandshake*>(BIO_get_data(bio)); }
  static bool may_come_later() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

  static int read(BIO* bio, char* out, int size) {
    BIO_clear_retry_flags(bio);
    TlsHandshake& shake = owner(bio);
    const ssize_t got = ::recv(shake.fd_, out, static_cast<std::size_t>(size), MSG_DONTWAIT);
    if (got < 0 && may_come_later()) BIO_set_retry_read(bio);
    shake.heard_ |= got > 0;
    shake.at_end_ = got == 0;
    return static_cast<int>(got);
  }
  static int write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    const ssize_t sent =
        ::send(owner(bio).fd_, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && may_come_later()) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
  }
  static long control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
    if (command == BIO_CTRL_EOF) return owner(bio).at_end_ ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  // Never freed: the last handshake may outlive every destructor of a static.
  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* const wire = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
      BIO_meth_set_read(wire, read);
      BIO_meth_set_write(wire, write);
      BIO_meth_set_ctrl(wire, control);
      return wire;
    }();
    return made;
  }
};

void TlsHandshake::prepare(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_read_ahead(context, 0);
  SSL_CTX_set_keylog_callback(context, on_secret);
}

std::unique_ptr<TlsHandshake> TlsHandshake::make(SSL_CTX* context, int fd) {
  std::unique_ptr<TlsHandshake> shake(new TlsHandshake(fd));
  shake->ssl_.reset(SSL_new(context));
  BIO* const bio = BIO_new(Wire::method());
  if (shake->ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    return nullptr;
  }
  BIO_set_data(bio, shake.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(shake->ssl_.get(), bio, bio);
  SSL_set_app_data(shake->ssl_.get(), shake.get());
  SSL_set_accept_state(shake->ssl_.get());
  return shake;
}

TlsHandshake::~TlsHandshake() {
  for (Secret* const secret : {&client_, &server_}) {
    OPENSSL_cleanse(secret->bytes.data(), secret->bytes.size());
  }
}

TlsHandshake::Step TlsHandshake::step() {
  ERR_clear_error();  // OpenSSL judges by its thread's queue, in which others may leave something.
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return Step::kDone;
  const int error = SSL_get_error(ssl_.get(), result);
  wants_room_ = error == SSL_ERROR_WANT_WRITE;
  if (error == SSL_ERROR_WANT_READ || wants_room_) return Step::kPending;
  if (!heard_) return Step::kGone;
  if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) return Step::kPlainHttp;
  trouble_ = first_error();
  return Step::kFailed;
}

// The key log's lines: a label, the client's random, the secret, in hexadecimal. It is the one way
// in which OpenSSL tells of its traffic secrets.
void TlsHandshake::on_secret(const SSL* ssl, const char* line) {
  auto& shake = *static_cast<TlsHandshake*>(SSL_get_app_data(ssl));
  const std::string_view text = line;
  Secret* const secret = text.starts_with("CLIENT_TRAFFIC_SECRET_0 ")   ? &shake.client_
                         : text.starts_with("SERVER_TRAFFIC_SECRET_0 ") ? &shake.server_
                                                                        : nullptr;
  if (secret == nullptr) return;
  const std::string_view digits = text.substr(text.rfind(' ') + 1);
  secret->size = 0;
  for (std::size_t i = 0; i + 1 < digits.size() && secret->size < secret->bytes.size(); i += 2) {
    std::from_chars(digits.data() + i, digits.data() + i + 2, secret->bytes[secret->size++], 16);
  }
}

std::optional<TlsKeys> TlsHandshake::take_keys() {
  if (SSL_has_pending(ssl_.get()) != 0) return std::nullopt;
  return SSL_version(ssl_.get()) == TLS1_3_VERSION ? keys_of_1_3() : keys_of_1_2();
}

std::optional<TlsKeys> TlsHandshake::keys_of_1_3() const {
  const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl_.get());
  auto in = TlsTraffic::of_1_3(cipher, std::span(client_.bytes).first(client_.size));
  auto out = TlsTraffic::of_1_3(cipher, std::span(server_.bytes).first(server_.size));
  if (!in || !out) return std::nullopt;
  return TlsKeys{*in, *out, plain_bytes_max(ssl_.get())};
}

std::optional<TlsKeys> TlsHandshake::keys_of_1_2() const {
  const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl_.get());
  std::array<unsigned char, SSL_MAX_MASTER_KEY_LENGTH> secret{};
  std::array<unsigned char, 2UL * SSL3_RANDOM_SIZE> randoms{};
  const std::size_t secret_bytes =
      SSL_SESSION_get_master_key(SSL_get_session(ssl_.get()), secret.data(), secret.size());
  SSL_get_server_random(ssl_.get(), randoms.data(), SSL3_RANDOM_SIZE);
  SSL_get_client_random(ssl_.get(), randoms.data() + SSL3_RANDOM_SIZE, SSL3_RANDOM_SIZE);
  std::string seed = "key expansion";
  seed.append(reinterpret_cast<const char*>(randoms.data()), randoms.size());
  std::array<unsigned char, TlsTraffic::kKeyBlockBytesMax> block{};
  const bool expanded = expand_1_2(SSL_CIPHER_get_handshake_digest(cipher),
                                   std::span(secret).first(secret_bytes), seed, block);
  auto in = TlsTraffic::of_1_2(cipher, block, true);
  auto out = TlsTraffic::of_1_2(cipher, block, false);
  OPENSSL_cleanse(secret.data(), secret.size());
  OPENSSL_cleanse(block.data(), block.size());
  if (!expanded || !in || !out) return std::nullopt;
  return TlsKeys{*in, *out, plain_bytes_max(ssl_.get())};
}

}  // namespace bide
