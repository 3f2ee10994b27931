// TLS on the front's connections, beyond what front_test and the tests of streams check when
// TESTED_TLS is set.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/server/net/tls_pipe.h"
#include "tests/server/served_table.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::ClientTls;
using testing::defined;
using testing::happened;
using testing::Identity;
using testing::ServedTable;
using testing::TlsDialer;
using testing::TlsPipe;
using testing::TlsSite;

constexpr std::array kVersions = {TLS1_2_VERSION, TLS1_3_VERSION};
const std::string kHeld = "GET /job/build-7?until=done&wait=30s HTTP/1.1\r\nHost: test\r\n\r\n";
const std::string kLive = "GET /livez HTTP/1.1\r\nHost: test\r\n\r\n";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// A server of one job, and one client of it.
struct Served {
  explicit Served(Front::Limits limits = {}, const std::filesystem::path& client_ca = {},
                  const std::filesystem::path& client_crl = {})
      : site(client_ca, client_crl), table(limits, {}, system_clock(), nullptr, {}, &site.context) {
    table.apply(defined("build-7", 1));
  }
  Client dial(const TlsDialer& dialer) const { return Client(table.port, 0, &dialer); }
  void finish_job() { table.apply(happened("build-7", 2, EventKind::kCompleted, "x")); }
  [[nodiscard]] bool wait_failures(std::uint64_t count) {
    return table.wait_until([&] { return table.http_metrics.tls_handshake_failures == count; });
  }
  [[nodiscard]] bool wait_nobody() {
    return table.wait_until([&] { return table.connections() == 0; });
  }

  TlsSite site;
  ServedTable table;
};

// False: the connection is over.
bool update_keys(const Client& client, int kind = SSL_KEY_UPDATE_REQUESTED) {
  SSL* const ssl = client.tls()->ssl();
  ERR_clear_error();
  return SSL_key_update(ssl, kind) == 1 && SSL_do_handshake(ssl) == 1;
}

// Whether a client gets through a handshake and gets an answer.
bool is_served(const Served& served, const TlsDialer& dialer) {
  Client client = served.dial(dialer);
  client.send(kLive);
  return client.response().ends_with("ok\n");
}

}  // namespace

TEST_CASE("tls: 1.2 and 1.3 are spoken, with forward secrecy, and nothing older") {
  Served served;
  for (const int version : kVersions) {
    const TlsDialer dialer(version);
    Client client = served.dial(dialer);
    REQUIRE(client.connected());
    SSL* const ssl = client.tls()->ssl();
    CHECK(SSL_version(ssl) == version);
    CHECK(has(SSL_get_cipher_name(ssl), version == TLS1_2_VERSION ? "ECDHE-" : "TLS_"));
    CHECK(SSL_get_current_compression(ssl) == nullptr);
    client.send(kLive);
    CHECK(client.response().ends_with("ok\n"));
    CHECK(SSL_session_reused(ssl) == 0);
  }
  CHECK(served.table.http_metrics.tls_handshakes == 2);
  const TlsDialer old(TLS1_1_VERSION);
  SSL_CTX_set_security_level(old.context(), 0);
  CHECK_FALSE(served.dial(old).connected());
  CHECK(served.wait_failures(1));
  const TlsDialer weak(TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(weak.context(), "AES128-SHA:ECDHE-ECDSA-AES128-SHA:AES128-GCM-SHA256");
  CHECK_FALSE(served.dial(weak).connected());
  CHECK(served.wait_failures(2));
}

TEST_CASE("tls: h2 is chosen if the client offers it, else http/1.1, else no protocol") {
  Served served;
  const auto chosen = [&](std::string_view offered) {
    const TlsDialer dialer;
    SSL_CTX_set_alpn_protos(dialer.context(),
                            reinterpret_cast<const unsigned char*>(offered.data()),
                            static_cast<unsigned>(offered.size()));
    Client client = served.dial(dialer);
    CHECK(client.connected());
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client.tls()->ssl(), &name, &size);
    return std::string(reinterpret_cast<const char*>(name), size);
  };
  CHECK(chosen("\x08http/1.1\x02h2") == "h2");
  CHECK(chosen("\x02h2") == "h2");
  CHECK(chosen("\x08http/1.1") == "http/1.1");
  CHECK(chosen("\x02h3") == "");
}

TEST_CASE("tls: a handshake, and what follows, may arrive byte by byte") {
  for (const int version : kVersions) {
    Served served;
    const TlsDialer dialer(version);
    TlsPipe pipe(served.table.port, dialer, 1);
    REQUIRE(pipe.shake());
    pipe.send(kHeld);
    REQUIRE(served.table.wait_parked(1));
    pipe.send(kLive);
    served.finish_job();
    CHECK(has(pipe.receive(), "Bide-Outcome: done"));
    CHECK(pipe.receive().ends_with("ok\n"));
  }
}

TEST_CASE("tls: a parked client may update keys, and is answered if it asks for that") {
  Served served;
  const TlsDialer dialer;
  Client client = served.dial(dialer);
  client.send(kHeld);
  REQUIRE(served.table.wait_parked(1));
  SSL* const ssl = client.tls()->ssl();
  int updates_of_server = 0;
  SSL_set_msg_callback_arg(ssl, &updates_of_server);
  SSL_set_msg_callback(
      ssl, [](int ours, int, int type, const void* bytes, std::size_t, SSL*, void* count) {
        if (ours != 0 || type != SSL3_RT_HANDSHAKE) return;
        *static_cast<int*>(count) += *static_cast<const char*>(bytes) == SSL3_MT_KEY_UPDATE ? 1 : 0;
      });
  for (int i = 0; i < 30; ++i) {
    REQUIRE(SSL_key_update(
                ssl, i % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
    REQUIRE(SSL_do_handshake(ssl) == 1);
  }
  client.send(kLive);  // Behind them: what has been answered then is parked again.
  CHECK(served.table.wait_parked(1));
  served.finish_job();
  CHECK(has(client.response(), "Bide-Outcome: done"));
  CHECK(client.response().ends_with("ok\n"));
  CHECK(updates_of_server >= 1);
  CHECK(updates_of_server <= 15);
  CHECK(served.table.http_metrics.clients_gone == 0);
}

TEST_CASE("tls: keys may be updated while a large body is on its way to a slow reader") {
  Served served;
  Definition definition;
  definition.operation = "{\"blob\":\"" + std::string(900'000, 'x') + "\"}";
  served.table.apply(defined("big", 3, definition));
  const TlsDialer dialer;
  Client client(served.table.port, 4096, &dialer);
  for (int i = 0; i < 4; ++i) {
    client.send("GET /job/big HTTP/1.1\r\nHost: test\r\n\r\n");
    REQUIRE(SSL_key_update(client.tls()->ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
    client.send(kLive);
  }
  for (int i = 0; i < 4; ++i) {
    CHECK(client.response().size() > 900'000);
    CHECK(client.response().ends_with("ok\n"));
  }
}

TEST_CASE("tls: a parked client that says goodbye or closes is unparked at once") {
  Served served;
  std::uint64_t gone = 0;
  for (const int version : kVersions) {
    for (const bool with_fin : {false, true}) {
      const TlsDialer dialer(version);
      Client client = served.dial(dialer);
      client.send(kHeld);
      REQUIRE(served.table.wait_parked(1));
      const auto grace = std::chrono::steady_clock::now() + 50ms;  // See kHalfCloseGrace.
      REQUIRE(ServedTable::wait_until([&] { return std::chrono::steady_clock::now() > grace; }));
      if (with_fin) {
        client.close();
      } else {
        client.tls()->say_end();
      }
      REQUIRE(served.table.wait_parked(0));
      ++gone;
      CHECK(
          ServedTable::wait_until([&] { return served.table.http_metrics.clients_gone == gone; }));
      CHECK(served.wait_nobody());
    }
  }
}

TEST_CASE("tls: requests that a parked client sends ahead are answered afterwards") {
  Served served;
  const TlsDialer dialer;
  Client client = served.dial(dialer);
  client.send(kHeld);
  REQUIRE(served.table.wait_parked(1));
  client.send(kLive);
  client.send(kLive);
  served.finish_job();
  CHECK(has(client.response(), "Bide-Outcome: done"));
  CHECK(client.response().ends_with("ok\n"));
  CHECK(client.response().ends_with("ok\n"));
}

TEST_CASE("tls: input that is not TLS is refused, and counted") {
  Served served;
  SUBCASE("HTTP is told so in clear") {
    Client client(served.table.port, 0, nullptr);
    client.send(kLive);
    const std::string response = client.response();
    CHECK(response.starts_with("HTTP/1.1 400 "));
    CHECK(has(response, "HTTPS"));
    CHECK(client.at_end());
  }
  SUBCASE("garbage") {
    Client client(served.table.port, 0, nullptr);
    client.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) +
                std::string(600, '\x7f'));
    while (client.more()) continue;
    client.received().clear();
    CHECK(client.at_end());
  }
  CHECK(served.wait_failures(1));
  CHECK(served.wait_nobody());
}

TEST_CASE(
    "tls: a client that leaves before a byte is not counted, one that stops half-way is cut") {
  Served served({.head = 100ms});
  {
    Client silent(served.table.port, 0, nullptr);
    silent.half_close();
    CHECK(silent.at_end());
  }
  Client slow(served.table.port, 0, nullptr);
  slow.send(std::string("\x16\x03\x01\x02\x00\x01", 6));
  CHECK(slow.at_end());
  CHECK(served.wait_failures(1));
  CHECK(served.wait_nobody());
}

TEST_CASE("tls: clients must show a certificate if one is asked for, and the right one") {
  testing::ScratchDir scratch;
  const Identity authority("authority");
  authority.write(scratch.path() / "ca");
  Served served({}, scratch.path() / "ca.crt");
  for (const int version : kVersions) {
    const TlsDialer without(version);
    CHECK_FALSE(is_served(served, without));
    const TlsDialer good(version);
    Identity("client", &authority).use_in(good.context());
    CHECK(is_served(served, good));
    const TlsDialer foreign(version);
    const Identity other("another authority");
    Identity("client", &other).use_in(foreign.context());
    CHECK_FALSE(is_served(served, foreign));
    const TlsDialer expired(version);
    Identity("client", &authority, -1).use_in(expired.context());
    CHECK_FALSE(is_served(served, expired));
  }
  CHECK(served.wait_failures(6));
}

TEST_CASE("tls: reloading changes the certificate for new connections and leaves the others be") {
  Served served;
  const auto name_shown_to = [](const Client& client) {
    X509* const shown = SSL_get1_peer_certificate(client.tls()->ssl());
    std::array<char, 64> name{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name.data(),
                              name.size());
    X509_free(shown);
    return std::string(name.data());
  };
  const TlsDialer dialer;
  Client old = served.dial(dialer);
  old.send(kHeld);
  REQUIRE(served.table.wait_parked(1));
  const std::filesystem::path files = served.site.scratch.path() / "server";
  Identity("another").write(files);
  CHECK_FALSE(served.site.context.reload());
  Client young = served.dial(dialer);
  CHECK(name_shown_to(young) == "another");

  Identity("third").write(served.site.scratch.path() / "third");
  std::filesystem::rename(served.site.scratch.path() / "third.key", files.string() + ".key");
  const auto trouble = served.site.context.reload();
  REQUIRE(trouble);
  CHECK(has(*trouble, "server.key: is not the key of the certificate in "));
  CHECK(name_shown_to(served.dial(dialer)) == "another");

  served.finish_job();
  CHECK(has(old.response(), "Bide-Outcome: done"));
  young.send(kLive);
  CHECK(young.response().ends_with("ok\n"));
}

TEST_CASE("tls: draining answers held clients, closes idle ones, and cuts handshakes") {
  Served served;
  const TlsDialer dialer;
  Client held = served.dial(dialer);
  held.send(kHeld);
  Client idle = served.dial(dialer);
  REQUIRE(idle.connected());
  Client half_way(served.table.port, 0, nullptr);
  half_way.send(std::string("\x16\x03\x01\x02\x00\x01", 6));
  REQUIRE(served.table.wait_parked(1));
  auto draining = std::async(std::launch::async, [&] { served.table.drain(); });
  CHECK(has(held.response(), "Bide-Outcome: drain"));
  CHECK(held.at_end());
  CHECK(idle.at_end());
  CHECK(half_way.at_end());
  held.close();
  idle.close();
  half_way.close();
  draining.get();
  CHECK(served.table.connections() == 0);
}

TEST_CASE("tls: a renegotiation of 1.2 is declined, and changes nothing") {
  Served served;
  const TlsDialer dialer(TLS1_2_VERSION);
  Client client = served.dial(dialer);
  client.send(kHeld);
  REQUIRE(served.table.wait_parked(1));
  REQUIRE(SSL_renegotiate(client.tls()->ssl()) == 1);
  ERR_clear_error();
  CHECK(SSL_do_handshake(client.tls()->ssl()) != 1);
  CHECK(ERR_GET_REASON(ERR_peek_error()) == SSL_R_NO_RENEGOTIATION);
  CHECK(served.table.http_metrics.tls_handshakes == 1);
}

TEST_CASE("tls: large bodies go whole to slow readers under every cipher") {
  Served served;
  Definition definition;
  definition.operation = "{\"blob\":\"" + std::string(300'000, 'x') + "\"}";
  served.table.apply(defined("big", 3, definition));
  const auto read_by = [&](const TlsDialer& dialer) {
    Client client(served.table.port, 4096, &dialer);
    for (int i = 0; i < 3; ++i) client.send("GET /job/big HTTP/1.1\r\nHost: test\r\n\r\n");
    for (int i = 0; i < 3; ++i) {
      const std::string response = client.response();
      CHECK(response.size() > 300'000);
      CHECK(response.ends_with("\"revision\":3}"));
    }
  };
  for (const char* const cipher : {"AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"}) {
    const TlsDialer dialer(TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(dialer.context(), (std::string("ECDHE-ECDSA-") + cipher).c_str());
    read_by(dialer);
  }
  for (const char* const cipher :
       {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
    const TlsDialer dialer(TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(dialer.context(), cipher);
    read_by(dialer);
  }
}

TEST_CASE("tls: worn keys are changed, in 1.2 with the connection") {
  Served served;
  Definition definition;
  definition.operation = "{\"blob\":\"" + std::string(900'000, 'x') + "\"}";
  served.table.apply(defined("big", 3, definition));
  for (const int version : kVersions) {
    const TlsDialer dialer(version);
    SSL_CTX_set_tlsext_max_fragment_length(dialer.context(), TLSEXT_max_fragment_length_512);
    Client client = served.dial(dialer);
    for (std::uint64_t records = 0; records < TlsStream::kRecordsPerKey; records += 900'000 / 512) {
      client.send("GET /job/big HTTP/1.1\r\nHost: test\r\n\r\n");
      const std::string response = client.response();
      REQUIRE(response.ends_with("\"revision\":3}"));
      CHECK_FALSE(has(response, "Connection: close"));
    }
    client.send(kLive);
    CHECK(has(client.response(), "Connection: close") == (version == TLS1_2_VERSION));
  }
}

// OpenSSL's client ends the connection at a record that is larger.
TEST_CASE("tls: no record is larger than the client asked for") {
  Served served;
  Definition definition;
  definition.operation = "{\"blob\":\"" + std::string(100'000, 'x') + "\"}";
  served.table.apply(defined("big", 3, definition));
  for (const int version : kVersions) {
    for (const std::uint8_t asked :
         {TLSEXT_max_fragment_length_512, TLSEXT_max_fragment_length_4096}) {
      const TlsDialer dialer(version);
      SSL_CTX_set_tlsext_max_fragment_length(dialer.context(), asked);
      Client client = served.dial(dialer);
      client.send("GET /job/big HTTP/1.1\r\nHost: test\r\n\r\n");
      CHECK(client.response().ends_with("\"revision\":3}"));
    }
  }
}

TEST_CASE("tls: messages that may not follow a handshake end the connection, also a parked one") {
  Served served;
  const TlsDialer dialer;
  const auto is_cut = [&](bool parked, int type, std::string_view bytes) {
    TlsPipe pipe(served.table.port, dialer, 0);
    REQUIRE(pipe.shake());
    if (parked) {
      pipe.send_raw(pipe.sealed(SSL3_RT_APPLICATION_DATA, kHeld));
      REQUIRE(served.table.wait_parked(1));
    }
    pipe.send_raw(pipe.sealed(type, bytes));
    return pipe.receive().empty() && pipe.ends() && served.wait_nobody();
  };
  const std::string update("\x18\0\0\1\0", 5);
  for (const bool parked : {false, true}) {
    CHECK(is_cut(parked, SSL3_RT_HANDSHAKE, std::string("\1\0\0\0", 4)));  // A ClientHello.
    CHECK(is_cut(parked, SSL3_RT_HANDSHAKE, update + update));
    CHECK(is_cut(parked, SSL3_RT_HANDSHAKE, update.substr(0, 4)));
    CHECK(is_cut(parked, SSL3_RT_CHANGE_CIPHER_SPEC, "\1"));
    CHECK(is_cut(parked, SSL3_RT_ALERT, "\2"));
    CHECK(is_cut(parked, SSL3_RT_ALERT, "\2\x28"));
    CHECK(is_cut(parked, 99, "x"));
  }
  CHECK(served.table.wait_parked(0));
}

// One read of the socket takes everything, so no event reports the input behind the request.
TEST_CASE("tls: input in one piece with a request is not forgotten while that is parked") {
  Served served;
  const TlsDialer dialer;
  TlsPipe pipe(served.table.port, dialer, 0);
  REQUIRE(pipe.shake());
  const std::string held = pipe.sealed(SSL3_RT_APPLICATION_DATA, kHeld);
  SUBCASE("close_notify: the answer is its last") {
    pipe.send_raw(held + pipe.sealed(SSL3_RT_ALERT, std::string("\1\0", 2)));
    REQUIRE(served.table.wait_parked(1));
    served.finish_job();
    CHECK(has(pipe.receive(), "Bide-Outcome: done"));
  }
  SUBCASE("what is no record: the connection is broken") {
    pipe.send_raw(held + std::string("\x17\3\3\0\x20", 5) + std::string(32, 'x'));
    CHECK(served.table.wait_until([&] { return served.table.http_metrics.clients_gone == 1; }));
  }
  CHECK(pipe.receive().empty());
  CHECK(pipe.ends());
  CHECK(served.table.wait_parked(0));
}

TEST_CASE("tls: records without data do not end a connection, nor does a request in many records") {
  Served served;
  const TlsDialer dialer;
  TlsPipe pipe(served.table.port, dialer, 0);
  REQUIRE(pipe.shake());
  std::string records;
  for (const char byte : kHeld) {
    records += pipe.sealed(SSL3_RT_APPLICATION_DATA, "");
    records += pipe.sealed(SSL3_RT_APPLICATION_DATA, {&byte, 1});
  }
  pipe.send_raw(records);
  REQUIRE(served.table.wait_parked(1));
  served.finish_job();
  CHECK(has(pipe.receive(), "Bide-Outcome: done"));
}

TEST_CASE("tls: a client that only sends records without data is cut, idle or parked") {
  Served served;
  const TlsDialer dialer;
  for (const bool parked : {false, true}) {
    for (const bool too_many : {false, true}) {
      Client client = served.dial(dialer);
      const auto send_updates = [&](int count) {
        for (int i = 0; i < count; ++i) {
          if (!update_keys(client)) return;
        }
      };
      client.send(parked ? kHeld : kLive);
      if (parked) REQUIRE(served.table.wait_parked(1));
      if (!parked) REQUIRE(client.response().ends_with("ok\n"));
      send_updates(TlsStream::kBarrenRecordsMax - 1);
      if (too_many) {
        send_updates(2);
        REQUIRE(served.wait_nobody());
        CHECK(client.response().empty());
      } else if (parked) {
        client.close();
        REQUIRE(served.wait_nobody());
      } else {
        client.send(kLive);
        CHECK(client.response().ends_with("ok\n"));
        send_updates(TlsStream::kBarrenRecordsMax - 1);
        client.send(kLive);
        CHECK(client.response().ends_with("ok\n"));
        client.close();
        REQUIRE(served.wait_nobody());
      }
    }
  }
}

TEST_CASE("tls: records without data earn an idle client no more time") {
  Served served({.idle = 300ms});
  const TlsDialer dialer;
  Client client = served.dial(dialer);
  int sent = 0;
  // The reaper looks once a second. With every record the time would begin anew: for 6 s.
  while (sent < TlsStream::kBarrenRecordsMax && client.waits_for_bytes(200ms)) {
    REQUIRE(update_keys(client, SSL_KEY_UPDATE_NOT_REQUESTED));  // Or the answers are bytes, too.
    ++sent;
  }
  CHECK(sent < 15);
  CHECK(client.at_end());
  CHECK(served.wait_nobody());
}

TEST_CASE("tls: empty records and warnings in a row end the connection") {
  Served served;
  const TlsDialer dialer;
  for (const auto& [type, bytes] : {std::pair<int, std::string>{SSL3_RT_APPLICATION_DATA, ""},
                                    {SSL3_RT_ALERT, std::string("\1\x5a", 2)}}) {  // user_canceled.
    TlsPipe pipe(served.table.port, dialer, 0);
    REQUIRE(pipe.shake());
    std::string records;
    for (int i = 0; i < 2 * TlsStream::kBarrenRecordsMax; ++i) records += pipe.sealed(type, bytes);
    pipe.send_raw(records);
    CHECK(served.wait_nobody());
  }
}

TEST_CASE("tls: a request that was cut off, forged or repeated is not served") {
  Served served;
  const auto with_each_version = [&](auto&& check) {
    for (const int version : kVersions) {
      const TlsDialer dialer(version);
      TlsPipe pipe(served.table.port, dialer, 0);
      REQUIRE(pipe.shake());
      check(pipe, pipe.encrypted(kLive));
      CHECK(served.wait_nobody());
    }
  };
  SUBCASE("half a record, and the end") {
    with_each_version([](TlsPipe& pipe, const std::string& request) {
      pipe.send_raw(request.substr(0, request.size() / 2));
      pipe.send_fin();
      CHECK(pipe.receive().empty());
    });
  }
  SUBCASE("a whole request, and the end without close_notify: it is answered") {
    with_each_version([](TlsPipe& pipe, const std::string& request) {
      pipe.send_raw(request);
      pipe.send_fin();
      CHECK(pipe.receive().ends_with("ok\n"));
    });
  }
  SUBCASE("one bit is wrong: the alert says so") {
    with_each_version([](TlsPipe& pipe, std::string request) {
      request.back() = static_cast<char>(request.back() ^ 1);
      pipe.send_raw(request);
      CHECK(pipe.receive().empty());
      CHECK(ERR_GET_REASON(ERR_peek_error()) == SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
    });
  }
  SUBCASE("sent twice: one answer") {
    with_each_version([](TlsPipe& pipe, const std::string& request) {
      pipe.send_raw(request);
      CHECK(pipe.receive().ends_with("ok\n"));
      pipe.send_raw(request);
      CHECK(pipe.receive().empty());
    });
  }
  SUBCASE("longer than a record may be") {
    with_each_version([](TlsPipe& pipe, const std::string& /*request*/) {
      pipe.send_raw(std::string("\x17\3\3\x7f\xff", 5) + std::string(0x7fff, 'x'));
      CHECK(pipe.receive().empty());
    });
  }
}

// The answer to a key update is a record of its own, and there may be no room for it.
TEST_CASE("tls: small messages come through behind key updates while the socket is full") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const TlsSite site;
  const TlsDialer dialer;
  const auto stream = site.context.begin(ends[0]);
  auto dialing =
      std::async(std::launch::async, [&] { return std::make_unique<ClientTls>(dialer, ends[1]); });
  while (stream->shake() == TlsStream::Step::kPending) std::this_thread::yield();
  const auto client = dialing.get();
  REQUIRE(client->connected());

  std::string said;
  std::string heard;
  std::string unsent;
  const auto send = [&](const std::string& message) {
    unsent += message;
    said += message;
    const std::string_view piece = unsent;
    const ssize_t taken = stream->transmit({&piece, 1});
    REQUIRE(taken >= 0);
    unsent.erase(0, static_cast<std::size_t>(taken));
  };
  const auto hear = [&](std::size_t bytes) {
    std::array<char, 4096> buffer;
    const ssize_t got = client->receive(buffer.data(), std::min(bytes, buffer.size()));
    REQUIRE(got > 0);
    heard.append(buffer.data(), static_cast<std::size_t>(got));
  };
  bool waited_for_room = false;
  for (int round = 0; round < 200; ++round) {
    // Messages until one is stuck; room for no more than that one; a key update.
    for (int i = 0; unsent.empty() && i < 10'000; ++i) send(std::to_string(i % 10) + "x");
    for (int i = 0; !unsent.empty() && i < 10'000; ++i) {
      hear(2);
      send("");
    }
    REQUIRE(unsent.empty());
    REQUIRE(SSL_key_update(client->ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
    REQUIRE(SSL_do_handshake(client->ssl()) == 1);
    std::array<char, 16> nothing;
    REQUIRE(stream->receive(nothing) == -1);
    REQUIRE_FALSE(stream->broken());
    send("y");  // Shorter than the answer, which goes before it.
    waited_for_room |= SSL_in_init(stream->ssl()) == 1;
  }
  while (!unsent.empty()) {
    hear(2);
    send("");
  }
  while (heard.size() < said.size()) hear(4096);
  CHECK(heard == said);
  CHECK(waited_for_room);
  for (const int end : ends) ::close(end);
}

TEST_CASE("tls: a client whose certificate is revoked is refused, and one that is not is served") {
  testing::ScratchDir scratch;
  const Identity authority("authority");
  authority.write(scratch.path() / "ca");
  const Identity good("good", &authority);
  const Identity revoked("revoked", &authority);
  const std::filesystem::path list = scratch.path() / "list.crl";
  authority.write_revocations(list, {&revoked});
  Served served({}, scratch.path() / "ca.crt", list);
  std::uint64_t failures = 0;
  for (const int version : kVersions) {
    const TlsDialer welcome(version);
    good.use_in(welcome.context());
    CHECK(is_served(served, welcome));
    const TlsDialer unwelcome(version);
    revoked.use_in(unwelcome.context());
    CHECK_FALSE(is_served(served, unwelcome));
    CHECK(served.wait_failures(++failures));
  }
  const TlsDialer dialer;
  good.use_in(dialer.context());
  SUBCASE("a list that has expired lets nobody in") {
    authority.write_revocations(list, {}, -1);
    REQUIRE_FALSE(served.site.context.reload());
    CHECK_FALSE(is_served(served, dialer));
  }
  SUBCASE("nor does another authority's") {
    Identity("authority").write_revocations(list, {});
    REQUIRE_FALSE(served.site.context.reload());
    CHECK_FALSE(is_served(served, dialer));
  }
  SUBCASE("a file that holds no list changes nothing") {
    authority.write(scratch.path() / "list");
    std::filesystem::rename(scratch.path() / "list.crt", list);
    const auto trouble = served.site.context.reload();
    REQUIRE(trouble);
    CHECK(has(*trouble, "--tls-client-crl "));
    CHECK(has(*trouble, "list.crl: holds no list of revoked certificates"));
    CHECK(is_served(served, dialer));
  }
}

TEST_CASE("tls: a connection whose client is no longer accepted ends with its next request") {
  testing::ScratchDir scratch;
  const Identity authority("authority");
  const Identity another("another authority");
  const Identity one("one", &authority);
  const Identity two("two", &authority);
  const std::filesystem::path list = scratch.path() / "list.crl";
  const auto is_answered = [](Client& client) {
    client.send(kLive);
    if (client.response().ends_with("ok\n")) return true;
    CHECK(client.at_end());
    return false;
  };
  for (const int version : kVersions) {
    for (const bool revoked : {true, false}) {  // Or its authority is not trusted any more.
      authority.write(scratch.path() / "ca");
      authority.write_revocations(list, {});
      Served served({}, scratch.path() / "ca.crt", list);
      const TlsDialer first(version);
      one.use_in(first.context());
      const TlsDialer second(version);
      two.use_in(second.context());
      Client refused = served.dial(first);
      Client held = served.dial(first);
      Client kept = served.dial(second);
      REQUIRE(is_answered(refused));
      REQUIRE(is_answered(kept));
      held.send(kHeld);
      REQUIRE(served.table.wait_parked(1));

      const Identity& trusted = revoked ? authority : another;
      trusted.write(scratch.path() / "ca");
      trusted.write_revocations(list, {&one});
      REQUIRE_FALSE(served.site.context.reload());
      CHECK_FALSE(is_answered(refused));
      CHECK(is_answered(kept) == revoked);
      if (revoked) CHECK(is_answered(kept));
      served.finish_job();
      CHECK(has(held.response(), "Bide-Outcome: done"));  // It was accepted when it asked.
      CHECK_FALSE(is_answered(held));
    }
  }
}

TEST_CASE("tls: an expired certificate is served all the same") {
  testing::ScratchDir scratch;
  const std::filesystem::path files = scratch.path() / "old";
  Identity("localhost", nullptr, -1).write(files);
  const TlsContext context({files.string() + ".crt", files.string() + ".key", {}, {}});
  ServedTable table({}, {}, system_clock(), nullptr, {}, &context);
  const TlsDialer dialer;
  CHECK(Client(table.port, 0, &dialer).connected());
}

}  // namespace bide
