#include "server/nats/login/nats_context.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <utility>
#include <vector>

#include "tests/scratch_dir.h"

using namespace bide;

namespace {

class ConfigDir {
 public:
  ConfigDir() { std::filesystem::create_directories(dir_.path() / "nats" / "context"); }
  void add(const std::string& name, std::string_view json) const {
    std::ofstream(dir_.path() / "nats" / "context" / (name + ".json")) << json;
  }
  void select(std::string_view text) const {
    std::ofstream(dir_.path() / "nats" / "context.txt") << text;
  }
  [[nodiscard]] NatsContext accepted(std::string_view name) const {
    auto read = read_nats_context(dir_.path(), name);
    if (const auto* error = std::get_if<std::string>(&read)) FAIL(*error);
    return std::get<NatsContext>(read);
  }
  // The message. Checks that it is one line, names a file and contains no secret.
  [[nodiscard]] std::string refused(std::string_view name) const {
    const auto read = read_nats_context(dir_.path(), name);
    if (!std::holds_alternative<std::string>(read)) return "accepted";
    const auto& message = std::get<std::string>(read);
    CHECK(message.starts_with(dir_.path().string()));
    CHECK(message.find('\n') == std::string::npos);
    CHECK(message.find("s3cret") == std::string::npos);
    return message;
  }

 private:
  testing::ScratchDir dir_;
};

bool mentions(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("nats_context: the files of the nats command line are read") {
  const ConfigDir config;
  config.add("ci", R"({"description":"CI","url":"tls://a,tls://b:1","socks_proxy":"","token":"",)"
                   R"("user":"u","password":"p\u00e4","creds":"","nkey":"","cert":"/c","key":"/k",)"
                   R"("ca":"/ca","nsc":"","jetstream_domain":"","jetstream_api_prefix":"",)"
                   R"("jetstream_event_prefix":"e","inbox_prefix":"_INBOX_x","user_jwt":"",)"
                   R"("color_scheme":"red","tls_first":false})");
  const NatsContext context = config.accepted("ci");
  CHECK(context.url == "tls://a,tls://b:1");
  CHECK(context.user == "u");
  CHECK(context.password == "p\u00e4");
  CHECK(context.cert == "/c");
  CHECK(context.key == "/k");
  CHECK(context.ca == "/ca");
  CHECK(context.inbox_prefix == "_INBOX_x");
  CHECK(context.token.empty());
  CHECK(context.creds.empty());
}

TEST_CASE("nats_context: without a url it is the nats command line's, and ~/ is HOME") {
  const ConfigDir config;
  ::setenv("HOME", "/home/u", 1);
  config.add("a", R"({"creds":"~/u.creds"})");
  config.add("b", R"({"url":null,"nkey":"a~/b"})");
  CHECK(config.accepted("a").url == "nats://127.0.0.1:4222");
  CHECK(config.accepted("a").creds == "/home/u/u.creds");
  CHECK(config.accepted("b").nkey == "a~/b");
}

TEST_CASE("nats_context: selected is the selected one, unless one has that name") {
  const ConfigDir config;
  config.add("ci", R"({"user":"ci"})");
  CHECK(mentions(config.refused("selected"), "context.txt: cannot be read"));
  config.select("ci\n");
  CHECK(config.accepted("selected").user == "ci");
  config.select("../../ci");
  CHECK(mentions(config.refused("selected"), "expected the name of a context"));
  config.select("ci\x1b[2J");
  CHECK(mentions(config.refused("selected"), "context.txt: expected the name of a context"));
  config.select(" \n");
  CHECK(mentions(config.refused("selected"), "expected the name of a context"));
  config.add("selected", R"({"user":"named"})");
  CHECK(config.accepted("selected").user == "named");
}

TEST_CASE("nats_context: unsupported members are refused, not ignored") {
  const ConfigDir config;
  for (const char* member : {"nsc", "socks_proxy", "user_jwt", "user_seed"}) {
    config.add("x", std::string(R"({")") + member + R"(":"s3cret"})");
    CHECK(mentions(config.refused("x"), std::string(member) + " is not supported"));
  }
  config.add("x", R"({"tls_first":true})");
  CHECK(mentions(config.refused("x"), "tls_first is not supported"));
}

TEST_CASE("nats_context: a domain or a prefix of JetStream, as the flags take them") {
  const ConfigDir config;
  config.add("x", R"({"jetstream_domain":"hub","jetstream_api_prefix":""})");
  CHECK(config.accepted("x").domain == "hub");
  config.add("x", R"({"jetstream_api_prefix":"js.hub"})");
  CHECK(config.accepted("x").js_prefix == "js.hub");
  config.add("x", R"({"jetstream_domain":"a.b"})");
  CHECK(mentions(config.refused("x"), "jetstream_domain is not a domain's name, such as hub"));
  config.add("x", R"({"jetstream_api_prefix":"js.>"})");
  CHECK(mentions(config.refused("x"), "jetstream_api_prefix is not a subject such as"));
  config.add("x", R"({"jetstream_domain":"hub","jetstream_api_prefix":"js"})");
  CHECK(mentions(config.refused("x"), "exclude each other"));
}

TEST_CASE("nats_context: a file that makes no sense is refused without repeating it") {
  const ConfigDir config;
  CHECK(mentions(config.refused("none"), "none.json: cannot be read (No such file"));
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"", "expected one JSON object"},
      {R"({"password":"s3cret")", "expected one JSON object"},
      {R"(["s3cret"])", "expected one JSON object"},
      {R"({"token":7})", "token is not a string"},
      {R"({"url":"http://s3cret@h"})", "url is not such as"},
      {R"({"user":"u","password":"s3cret","creds":"/c"})", "found several"},
      {R"({"url":"nats://s3cret@h","nkey":"/c"})", "found several"},
      {R"({"cert":"/c"})", "cert and key need each other"},
  };
  for (const auto& [json, what] : cases) {
    config.add("x", json);
    const std::string refused = config.refused("x");
    CAPTURE(refused);
    CHECK(mentions(refused, what));
  }
  CHECK(std::get<std::string>(read_nats_context({}, "x")) ==
        "--nats-context needs HOME or XDG_CONFIG_HOME");
}
