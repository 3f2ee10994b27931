#include "server/nats/login/nats_login.h"

#include <doctest/doctest.h>

#include <fstream>

#include "server/nats/login/nats_key_file.h"
#include "tests/scratch_dir.h"

using namespace bide;

namespace {

const std::string kSeed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
const std::string kPublic = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

// Temporary files of a test.
class Files {
 public:
  [[nodiscard]] std::filesystem::path write(const std::string& name, std::string_view text) const {
    const std::filesystem::path path = dir_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  [[nodiscard]] NatsCredentials context(std::string_view json) const {
    const auto written = write("nats/context/ci.json", json);
    return {.context = "ci", .config_dir = dir_.path()};
  }
  [[nodiscard]] const std::filesystem::path& dir() const { return dir_.path(); }

 private:
  testing::ScratchDir dir_;
};

NatsLogin accepted(const std::string& urls, const NatsCredentials& credentials) {
  auto read = read_nats_login(urls, credentials);
  if (const auto* error = std::get_if<std::string>(&read)) FAIL(*error);
  return std::get<NatsLogin>(read);
}

std::string refused(const NatsCredentials& credentials) {
  const auto fault = find_login_fault("nats://h", credentials);
  return fault.value_or("accepted");
}

bool mentions(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("nats_login: secrets are the files' lines without their ends") {
  const Files files;
  const NatsLogin user =
      accepted("nats://h", {.user = "u", .password_file = files.write("p", " pass word \r\n")});
  CHECK(user.user == "u");
  CHECK(user.password == " pass word ");
  CHECK(accepted("nats://h", {.token_file = files.write("t", "tok")}).token == "tok");
  for (const char* text : {"tok\n", "tok\r\n", "\xEF\xBB\xBFtok", "\xEF\xBB\xBFtok\r\n"}) {
    CHECK(accepted("nats://h", {.token_file = files.write("t", text)}).token == "tok");
  }
}

TEST_CASE("nats_login: a seed is found bare and between markers, and has its public key") {
  const Files files;
  for (const std::string& text :
       {kSeed, kSeed + "\r\n", "# mine\n\n" + kSeed + "\n", "\xEF\xBB\xBF" + kSeed + "\r\n",
        "-----BEGIN USER NKEY SEED-----\n" + kSeed + "\n------END",
        "-----BEGIN USER NKEY SEED-----\r\n\t" + kSeed + " \r\n--"}) {
    INFO(text);
    CHECK(accepted("nats://h", {.nkey_file = files.write("n", text)}).public_nkey == kPublic);
  }
}

TEST_CASE("nats_login: of credentials the JWT is found whatever the line ends are") {
  const std::string jwt = "eyJ0.eyJq.c2ln";
  const std::string text = "-----BEGIN NATS USER JWT-----\n" + jwt +
                           "\n------END NATS USER JWT------\n\nKeep it secret.\n\n"
                           "-----BEGIN USER NKEY SEED-----\n" +
                           kSeed + "\n------END USER NKEY SEED------\n";
  std::string crlf;
  for (const char c : text) crlf += c == '\n' ? "\r\n" : std::string(1, c);
  for (const std::string& written : {text, crlf, "\xEF\xBB\xBF" + crlf}) {
    CHECK(find_user_jwt(written) == jwt);
    CHECK(find_seed(written) == kSeed);
  }
  for (std::size_t size = 0; size < crlf.size();
       ++size) {  // Cut at every byte, it stays in bounds.
    (void)find_user_jwt(std::string_view(crlf).substr(0, size));
    (void)find_seed(std::string_view(crlf).substr(0, size));
  }
  CHECK(find_user_jwt("-----BEGIN NATS USER JWT-----\n\n------END NATS USER JWT------\n").empty());
}

TEST_CASE("nats_login: settings beat the context, and the identity does as a whole") {
  const Files files;
  const NatsCredentials plain = files.context(
      R"({"url":"nats://c","user":"u","password":"p","inbox_prefix":"_I","ca":"","cert":""})");
  const NatsLogin from_context = accepted("", plain);
  CHECK(from_context.urls == "nats://c");
  CHECK(from_context.user == "u");
  CHECK(from_context.password == "p");
  CHECK(from_context.inbox_prefix == "_I");

  NatsCredentials stronger = plain;
  stronger.token_file = files.write("t", "tok");
  stronger.inbox_prefix = "_J";
  const NatsLogin by_token = accepted("nats://f", stronger);
  CHECK(by_token.urls == "nats://f");
  CHECK(by_token.user.empty());
  CHECK(by_token.password.empty());
  CHECK(by_token.token == "tok");
  CHECK(by_token.inbox_prefix == "_J");

  CHECK(accepted("nats://t@f", plain).user.empty());
  CHECK(accepted("nats://f", plain).user == "u");
}

TEST_CASE("nats_login: a domain or prefix beats that of the context") {
  const Files files;
  NatsCredentials given = files.context(R"({"jetstream_domain":"leaf"})");
  const auto prefix = [&] { return accepted("nats://h", given).js_api.prefix(); };
  CHECK(prefix() == "$JS.leaf.API");
  const std::size_t before = accepted("nats://h", given).hash();
  given.domain = "hub";
  CHECK(prefix() == "$JS.hub.API");
  CHECK(accepted("nats://h", given).hash() != before);
  given.domain.clear();
  given.js_prefix = "js";
  CHECK(prefix() == "js");
  CHECK(accepted("nats://h", {}).js_api.is_usual());
}

TEST_CASE("nats_login: a user in the context's URL gives way, too") {
  const Files files;
  NatsCredentials credentials = files.context(R"({"url":"nats://u:p@c:1,tls://d"})");
  CHECK(accepted("", credentials).urls == "nats://u:p@c:1,tls://d");
  credentials.nkey_file = files.write("n", kSeed);
  CHECK(accepted("", credentials).urls == "nats://c:1,tls://d");
}

TEST_CASE("nats_login: the hash tells that a file has another content") {
  const Files files;
  const NatsCredentials credentials{.token_file = files.write("t", "one"),
                                    .ca_file = files.write("ca", "-----BEGIN CERTIFICATE-----a")};
  const std::size_t before = accepted("nats://h", credentials).hash();
  CHECK(accepted("nats://h", credentials).hash() == before);
  CHECK(accepted("nats://i", credentials).hash() != before);
  (void)files.write("t", "two");
  const std::size_t after = accepted("nats://h", credentials).hash();
  CHECK(after != before);
  (void)files.write("ca", "-----BEGIN CERTIFICATE-----b");
  CHECK(accepted("nats://h", credentials).hash() != after);
}

TEST_CASE("nats_login: an unusable file is named, with what was expected") {
  const Files files;
  const auto pem = files.write("pem", "-----BEGIN CERTIFICATE-----\n");
  const auto key = files.write("key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
  CHECK(mentions(refused({.token_file = files.dir() / "none"}), "none: cannot be read (No such"));
  CHECK(mentions(refused({.token_file = files.dir()}), "cannot be read (Is a directory)"));
  CHECK(mentions(refused({.token_file = files.write("e", "")}),
                 "e: empty; --nats-token-file expects"));
  CHECK(mentions(refused({.token_file = files.write("e", "\r\n")}), "empty; --nats-token-file"));
  CHECK(mentions(refused({.token_file = files.write("e", "tok\n\r\n")}), "not one line of text"));
  CHECK(mentions(refused({.token_file = files.write("l", "a\nb\n")}), "not one line of text"));
  CHECK(mentions(refused({.token_file = files.write("z", std::string_view("a\0b", 3))}),
                 "not one line of text"));
  CHECK(mentions(refused({.token_file = files.write("b", std::string(4097, 'x'))}),
                 "not one line of text"));
  CHECK(mentions(refused({.token_file = files.write("m", std::string((1 << 20) + 1, 'x'))}),
                 "larger than 1 MiB"));
  CHECK(mentions(refused({.nkey_file = files.write("n", kPublic)}), "not a user's seed"));
  CHECK(mentions(refused({.creds_file = files.write("c", kSeed)}), "without a JWT"));
  CHECK(mentions(refused({.creds_file = files.write("d", "-----BEGIN NATS USER JWT-----\n")}),
                 "without a JWT"));
  CHECK(
      mentions(refused({.creds_file = files.write("d", "-----BEGIN NATS USER JWT-----\nx.y.z\n")}),
               "without a user's seed"));
  CHECK(mentions(refused({.ca_file = files.write("x", "text")}), "not of this kind; --nats-ca"));
  CHECK(mentions(refused({.ca_file = pem}), "damaged; --nats-ca expects"));
  CHECK(mentions(refused({.cert_file = pem, .key_file = key}), "key: has a passphrase"));
  CHECK(refused({.token_file = files.write("ok", "tok")}) == "accepted");
}
