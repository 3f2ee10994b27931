#include "client/tls_trust.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/server/net/tls_site.h"

namespace bide {
namespace {

using testing::Identity;
using testing::ScratchDir;

using SslCtx = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using Ssl = std::unique_ptr<SSL, decltype(&SSL_free)>;

// A handshake in memory with a server that has the certificate. Returns the client's complaint.
std::string complaint_about(const Identity& identity, const std::string& host,
                            const std::string& cacert) {
  const SslCtx server_context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  identity.use_in(server_context.get());
  const SslCtx client_context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  const TlsTrust trust(client_context.get(), host, cacert);
  const Ssl server(SSL_new(server_context.get()), SSL_free);
  const Ssl client(SSL_new(client_context.get()), SSL_free);
  BIO* to_server = nullptr;
  BIO* to_client = nullptr;
  REQUIRE(BIO_new_bio_pair(&to_server, 0, &to_client, 0) == 1);
  SSL_set_bio(client.get(), to_server, to_server);
  SSL_set_bio(server.get(), to_client, to_client);
  bool agreed = false;
  for (int i = 0; i < 10 && !agreed; ++i) {
    agreed = SSL_connect(client.get()) == 1;
    SSL_accept(server.get());
    ERR_clear_error();
  }
  CHECK(agreed == trust.complaint().empty());
  return trust.complaint();
}

// Whether a server with these names is accepted as `host`. Its common name is always `cn.example`.
bool is_taken(const char* alternatives, const std::string& host) {
  const ScratchDir dir;
  const Identity identity("cn.example", nullptr, 1, alternatives);
  identity.write(dir.path() / "ca");
  return complaint_about(identity, host, (dir.path() / "ca.crt").string()).empty();
}

TEST_CASE("tls_trust: names are compared as curl does") {
  CHECK(is_taken("DNS:a.example", "a.example"));
  CHECK(is_taken("DNS:A.eXample", "a.EXAMPLE"));
  CHECK(is_taken("DNS:other.example,DNS:a.example", "a.example"));
  CHECK(is_taken("DNS:a.example", "a.example."));
  CHECK_FALSE(is_taken("DNS:a.example", "b.example"));
  CHECK_FALSE(is_taken("DNS:a.example", "a.example.evil.example"));
  CHECK_FALSE(is_taken("DNS:a.example", "x.a.example"));
}

TEST_CASE("tls_trust: the common name does not count") {
  CHECK_FALSE(is_taken("DNS:other.example", "cn.example"));
  CHECK_FALSE(is_taken("IP:127.0.0.1", "cn.example"));
  CHECK_FALSE(is_taken(nullptr, "cn.example"));
}

TEST_CASE("tls_trust: a wildcard stands for one whole label, the first") {
  CHECK(is_taken("DNS:*.a.example", "x.a.example"));
  CHECK_FALSE(is_taken("DNS:*.a.example", "a.example"));
  CHECK_FALSE(is_taken("DNS:*.a.example", "y.x.a.example"));
  CHECK_FALSE(is_taken("DNS:x*.a.example", "xy.a.example"));
  CHECK_FALSE(is_taken("DNS:*.example", "a.example"));
  CHECK_FALSE(is_taken("DNS:x.*.example", "x.a.example"));
}

TEST_CASE("tls_trust: an address is compared with addresses") {
  CHECK(is_taken("IP:127.0.0.1", "127.0.0.1"));
  CHECK(is_taken("IP:::1", "::1"));
  CHECK(is_taken("IP:2001:db8::1", "2001:DB8:0::1"));
  CHECK_FALSE(is_taken("IP:127.0.0.2", "127.0.0.1"));
  CHECK_FALSE(is_taken("DNS:127.0.0.1", "127.0.0.1"));
  CHECK_FALSE(is_taken("DNS:*.0.0.1", "127.0.0.1"));
}

TEST_CASE("tls_trust: the signer and the dates are checked, too") {
  const ScratchDir dir;
  const Identity authority("authority");
  authority.write(dir.path() / "ca");
  const std::string ca = (dir.path() / "ca.crt").string();
  CHECK(complaint_about(Identity("s", &authority), "localhost", ca).empty());
  CHECK_FALSE(complaint_about(Identity("s"), "localhost", ca).empty());
  CHECK(complaint_about(Identity("s", &authority, -1), "localhost", ca)
            .starts_with("certificate has expired on "));
  const std::string mismatch = complaint_about(Identity("s", &authority), "elsewhere", ca);
  CHECK(mismatch.starts_with("hostname mismatch; it is for localhost"));
  CHECK(mismatch.ends_with(" and not for elsewhere"));
  CHECK(complaint_about(Identity("s"), "localhost", ca).find("--cacert") != std::string::npos);
  CHECK_FALSE(complaint_about(Identity("s", &authority), "localhost", "/dev/null").empty());
}

}  // namespace
}  // namespace bide
