#include "server/nats/login/nats_credentials.h"
#include "server/nats/login/js_api.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "server/nats/login/nats_url.h"

using namespace bide;

namespace {

bool set(NatsCredentials& credentials, std::string_view flag, std::string_view text) {
  const auto settings = nats_settings();
  const auto found =
      std::find_if(settings.begin(), settings.end(), [&](auto& s) { return s.flag == flag; });
  REQUIRE(found != settings.end());
  return found->set(credentials, text);
}

std::string contradiction(const NatsCredentials& credentials, std::string_view urls = "nats://h") {
  return find_contradiction(credentials, urls).value_or("none");
}

}  // namespace

TEST_CASE("nats_credentials: every setting sets a member of its own, and none is empty") {
  NatsCredentials all;
  for (const NatsSetting& setting : nats_settings()) {
    INFO(setting.flag);
    const NatsCredentials before = all;
    CHECK_FALSE(setting.set(all, ""));
    CHECK(all == before);
    CHECK(setting.set(all, setting.flag.substr(2)));
    CHECK_FALSE(all == before);
  }
  CHECK(all.user == "nats-user");
  CHECK(all.password_file == "nats-password-file");
  CHECK(all.token_file == "nats-token-file");
  CHECK(all.nkey_file == "nats-nkey");
  CHECK(all.creds_file == "nats-creds");
  CHECK(all.ca_file == "nats-ca");
  CHECK(all.cert_file == "nats-cert");
  CHECK(all.key_file == "nats-key");
  CHECK(all.context == "nats-context");
  CHECK(all.inbox_prefix == "nats-inbox-prefix");
  CHECK(all.domain == "nats-domain");
  CHECK(all.js_prefix == "nats-js-prefix");
}

TEST_CASE(
    "nats_credentials: names of contexts stay in their folder, an inbox prefix is a subject") {
  NatsCredentials credentials;
  for (const char* name : {"../x", "a/b", "..", "/etc/passwd"}) {
    CHECK_FALSE(set(credentials, "--nats-context", name));
  }
  CHECK(set(credentials, "--nats-context", "ngs.js"));
  for (const char* prefix : {".a", "a.", "a..b", "a.*", "a.>", "a b", "a\tb", ">"}) {
    CHECK_FALSE(set(credentials, "--nats-inbox-prefix", prefix));
  }
  CHECK(set(credentials, "--nats-inbox-prefix", "_INBOX_ci.x"));
}

TEST_CASE(
    "nats_credentials: a domain is one token, a prefix a subject, and they exclude each other") {
  NatsCredentials credentials;
  for (const char* domain : {"", "a.b", "a b", "*", ">", "hub."}) {
    CHECK_FALSE(set(credentials, "--nats-domain", domain));
  }
  for (const char* prefix : {"", "$JS.hub.API.", "js.>", "js *"}) {
    CHECK_FALSE(set(credentials, "--nats-js-prefix", prefix));
  }
  CHECK(contradiction({.domain = "hub"}, "nats://h") == "none");
  CHECK(contradiction({.domain = "hub", .js_prefix = "js"}, "nats://h") ==
        "--nats-domain and --nats-js-prefix exclude each other: give one of them");
}

TEST_CASE("js_api: requests and entries go to the domain or prefix") {
  const JsApi usual;
  CHECK(usual.is_usual());
  CHECK(usual.subject("$JS.API.STREAM.INFO.KV_q") == "$JS.API.STREAM.INFO.KV_q");
  CHECK(usual.subject("$KV.q.jobs.a") == "$KV.q.jobs.a");
  CHECK(usual.may_be_in("hub"));
  const JsApi hub = JsApi::of_domain("hub");
  CHECK_FALSE(hub.is_usual());
  CHECK(hub.subject("$JS.API.STREAM.INFO.KV_q") == "$JS.hub.API.STREAM.INFO.KV_q");
  CHECK(hub.subject("$KV.q.jobs.a") == "$JS.hub.API.$KV.q.jobs.a");
  CHECK(hub.may_be_in("hub"));
  CHECK_FALSE(hub.may_be_in("leaf"));
  CHECK_FALSE(hub.may_be_in(""));
  CHECK(JsApi("js").subject("$JS.API.INFO") == "js.INFO");
  CHECK(JsApi("js").subject("$KV.q.jobs.a") == "js.$KV.q.jobs.a");
  CHECK(JsApi("js").may_be_in("leaf"));
}

TEST_CASE("nats_credentials: two identities exclude each other, also in the URL") {
  const NatsCredentials user{.user = "u", .password_file = "p"};
  const NatsCredentials creds{.creds_file = "c"};
  CHECK(contradiction(user) == "none");
  CHECK(contradiction(creds) == "none");
  CHECK(contradiction({}, "nats://u:p@h") == "none");
  CHECK(contradiction({}, "") == "none");
  CHECK(contradiction({.user = "u", .password_file = "p", .nkey_file = "n"}) ==
        "--nats-user and --nats-nkey exclude each other: give one of them");
  CHECK(contradiction({.token_file = "t", .creds_file = "c"}) ==
        "--nats-token-file and --nats-creds exclude each other: give one of them");
  CHECK(contradiction(creds, "nats://secret@h") ==
        "--nats-creds and the user or token in --nats exclude each other: give one of them");
}

TEST_CASE("nats_credentials: pairs are whole, and there is something to connect to") {
  CHECK(contradiction({.user = "u"}) == "--nats-user needs --nats-password-file");
  CHECK(contradiction({.password_file = "p"}) == "--nats-password-file needs --nats-user");
  CHECK(contradiction({.cert_file = "c"}) == "--nats-cert needs --nats-key");
  CHECK(contradiction({.key_file = "k"}) == "--nats-key needs --nats-cert");
  CHECK(contradiction({.ca_file = "c"}, "").starts_with("the --nats-"));
  CHECK(contradiction({.ca_file = "c", .context = "ci"}, "") == "none");
}

TEST_CASE("nats_credentials: where contexts are") {
  CHECK(nats_config_dir_of("/x", "/home/u") == "/x");
  CHECK(nats_config_dir_of(nullptr, "/home/u") == "/home/u/.config");
  CHECK(nats_config_dir_of("", "/home/u") == "/home/u/.config");
  CHECK(nats_config_dir_of("relative", "/home/u") == "/home/u/.config");
  CHECK(nats_config_dir_of(nullptr, "").empty());
  CHECK(nats_config_dir_of(nullptr, nullptr).empty());
}

TEST_CASE("nats_url: a user reaches the server's JSON as it was meant") {
  CHECK(with_user_for_connect("nats://u:p@h:1") == "nats://u:p@h:1");
  CHECK(with_user_for_connect("tls://h:1") == "tls://h:1");
  CHECK(with_user_for_connect("nats://plain:%73ecret@h") == "nats://plain:secret@h");
  CHECK(with_user_for_connect("nats://ci%40example:p%3As%2Fw%3Fd%231%25@h") ==
        R"(nats://ci\u0040example:p\u003as\u002fw\u003fd\u00231\u0025@h)");
  CHECK(with_user_for_connect("a%22b%5C%0A@h") == R"(a\u0022b\u005c\u000a@h)");
  CHECK(with_user_for_connect("nats://u:p:q@r@h") == R"(nats://u:p\u003aq\u0040r@h)");
  CHECK(with_user_for_connect("nats://u:p%2Cq%20@h") == R"(nats://u:p\u002cq\u0020@h)");
  CHECK(escaped_for_connect("pass,\"word\" \xC3\xA4") ==
        "pass\\u002c\\u0022word\\u0022\\u0020\xC3\xA4");
  CHECK(has_bad_escape("nats://a@h,nats://b%@h"));
  CHECK_FALSE(has_bad_escape("nats://a%25@h,nats://h%"));
}

TEST_CASE("nats_url: users in URLs are found and taken out") {
  CHECK(names_user("nats://a,nats://t@b"));
  CHECK_FALSE(names_user("nats://a,b:1"));
  CHECK(without_users("nats://u:p@a:1, t@b,tls://[::1]:2") == "nats://a:1,b,tls://[::1]:2");
}
