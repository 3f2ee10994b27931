#include "server/settings/options.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "server/nats/login/nats_url.h"
#include "server/settings/command_help.h"
#include "server/settings/settings.h"

namespace bide {
namespace {

using Args = std::vector<std::string>;
using namespace std::chrono_literals;

const Environment kHome = {{"HOME", "/home/u"}};

ServeOptions accepted(const Args& args, const Environment& environment = kHome) {
  auto parsed = parse_serve_options(args, environment);
  if (const auto* error = std::get_if<UsageError>(&parsed)) FAIL(error->message);
  return std::get<ServeOptions>(parsed);
}

// The message. Checks that it is one line and that the exit code is 2.
std::string refused(const Args& args, const Environment& environment = kHome) {
  auto parsed = parse_serve_options(args, environment);
  const auto* error = std::get_if<UsageError>(&parsed);
  if (error == nullptr) return "accepted";
  CHECK(error->exit_code == 2);
  CHECK(error->message.find('\n') == std::string::npos);
  return error->message;
}

bool mentions(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Joins wrapped lines.
std::string unwrapped(std::string text) {
  for (std::size_t at = 0; (at = text.find("\n          ", at)) != std::string::npos;) {
    text.replace(at, text.find_first_not_of(" \n", at) - at, " ");
  }
  return text;
}

class TomlFile {
 public:
  explicit TomlFile(std::string_view text) {
    const int fd = ::mkstemp(path_.data());
    REQUIRE(fd >= 0);
    ::close(fd);
    std::ofstream(path_) << text;
  }
  ~TomlFile() { ::unlink(path_.c_str()); }
  TomlFile(const TomlFile&) = delete;
  TomlFile& operator=(const TomlFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/bide-options-XXXXXX";
};

TEST_CASE("options: nothing said gives the defaults that --help prints") {
  const ServeOptions options = accepted({});
  CHECK(options.listen == std::vector<ListenAddress>{{.host = "127.0.0.1", .port = 8080}});
  CHECK(options.listen_mode == 0660);
  CHECK(options.bucket == "job-queue");
  CHECK(options.bucket_replicas == 1);
  CHECK(options.max_wait == 55s);
  CHECK(options.wait_jitter == 0.0625);
  CHECK(options.drain_delay == 0s);
  CHECK(options.drain_rate == 20'000);
  CHECK(options.access_log == AccessLog::kSampled);
  CHECK(options.max_parked == 100'000);
  CHECK(options.auth.cookie == "bide_token");
  CHECK(options.data_dir == "/home/u/.local/state/bide");
  const std::string help = unwrapped(help_of(serve_command()));
  for (const ServeSetting& setting : serve_settings()) {
    if (setting.default_text.empty()) continue;
    INFO(setting.name);
    const std::string flag = "--" + std::string(setting.name);
    CHECK(accepted({flag + "=" + std::string(setting.default_text)}) == options);
    if (setting.kind == SettingKind::kSwitch) continue;
    CHECK(mentions(help, "default: " + std::string(setting.default_text)));
  }
}

TEST_CASE("options: every flag is understood, with a space or an equals sign") {
  const ServeOptions options = accepted({"--listen",
                                         "[::1]:0",
                                         "--nats=nats://a:1,tls://b",
                                         "--data-dir",
                                         "/d",
                                         "--bucket",
                                         "b-1",
                                         "--create-bucket",
                                         "--bucket-replicas",
                                         "3",
                                         "--max-parked",
                                         "0",
                                         "--max-wait",
                                         "1m30s",
                                         "--wait-jitter",
                                         "0",
                                         "--drain-delay",
                                         "1h",
                                         "--settle=0",
                                         "--max-stale",
                                         "10",
                                         "--stats-interval",
                                         "50ms",
                                         "--base-path",
                                         "/api",
                                         "--threads",
                                         "64",
                                         "--access-log",
                                         "all",
                                         "--auth",
                                         "none",
                                         "--allow-anonymous"});
  CHECK(options.listen == std::vector<ListenAddress>{{.host = "::1"}});
  CHECK(options.nats_url == "nats://a:1,tls://b");
  CHECK(options.data_dir == "/d");
  CHECK(options.bucket == "b-1");
  CHECK(options.create_bucket);
  CHECK(options.bucket_replicas == 3);
  CHECK(options.max_parked == 0);
  CHECK(options.max_wait == 90s);
  CHECK(options.wait_jitter == 0.0);
  CHECK(options.drain_delay == 1h);
  CHECK(options.settle == 0s);
  CHECK(options.max_stale == 10s);
  CHECK(options.stats_interval == 50ms);
  CHECK(options.base_path == "/api");
  CHECK(options.threads == 64);
  CHECK(options.access_log == AccessLog::kAll);
  CHECK(options.allow_anonymous);
}

TEST_CASE("options: copies of a bucket are for one that is created in a cluster") {
  const Args nats = {"--nats", "nats://h", "--create-bucket", "--bucket-replicas"};
  for (const char* count : {"0", "6", "-1", "two", ""}) {
    Args args = nats;
    args.emplace_back(count);
    CHECK(mentions(refused(args), "a count from 1 to 5"));
  }
  CHECK(mentions(refused({"--nats", "nats://h", "--bucket-replicas", "3"}),
                 "expected --create-bucket"));
  CHECK(mentions(refused({"--create-bucket", "--bucket-replicas", "3"}), "expected --nats"));
  CHECK(mentions(refused({"--cluster-peers", "h:6222"}), "--cluster-secret-file: expected both"));
  CHECK(mentions(refused({"--cluster-secret-file", "/s"}), "--cluster-secret-file: expected both"));
  CHECK(mentions(
      refused({"--nats", "nats://h", "--cluster-peers", "h:6222", "--cluster-secret-file", "/s"}),
      "expected no --nats"));
  for (const char* peers : {"", "h", "h:0", "h:x", "h:1,nats://h:2", "a\"b:1", "[h]:1"}) {
    CHECK(mentions(refused({"--cluster-peers", peers}), "expected HOST:PORT"));
  }
  CHECK(accepted({"--create-bucket"}).create_bucket);
}

TEST_CASE("options: flag beats variable beats file beats default") {
  const TomlFile file("max-wait = \"10s\"\nsettle = 7\nthreads = 3\n");
  Environment environment = kHome;
  environment["BIDE_CONFIG"] = file.path();
  environment["BIDE_MAX_WAIT"] = "20s";
  environment["BIDE_SETTLE"] = "8s";

  const ServeOptions options = accepted({"--max-wait", "30s"}, environment);
  CHECK(options.max_wait == 30s);
  CHECK(options.settle == 8s);
  CHECK(options.threads == 3);
  CHECK(options.max_stale == 5s);
}

TEST_CASE("options: --config beats BIDE_CONFIG, and the last of equal flags wins") {
  const TomlFile weak("threads = 3\n");
  const TomlFile strong("bucket = \"strong\"\n");
  Environment environment = kHome;
  environment["BIDE_CONFIG"] = weak.path();
  const ServeOptions options =
      accepted({"--config", strong.path(), "--threads", "5", "--threads", "6"}, environment);
  CHECK(options.bucket == "strong");
  CHECK(options.threads == 6);
}

TEST_CASE("options: variables set to nothing, and those of the client, do not count") {
  Environment environment = kHome;
  environment["BIDE_NATS"] = "";
  environment["BIDE_SERVER"] = "http://h";
  environment["BIDE_TOKEN"] = "t";
  environment["BIDE_CACERT"] = "/ca.crt";
  environment["BIDEN"] = "x";
  CHECK(accepted({}, environment).nats_url.empty());
}

TEST_CASE("options: the error for a wrong value names its source and what was expected") {
  CHECK(mentions(refused({"--max-wait", "soon"}), "--max-wait: expected a duration from 1s to 1h"));
  CHECK(mentions(refused({"--max-wait", "61m"}), "--max-wait: expected"));
  CHECK(mentions(refused({}, {{"HOME", "/h"}, {"BIDE_THREADS", "65"}}),
                 "BIDE_THREADS: expected a count from 0 to 64"));
  for (const char* listen : {"8080", "127.0.0.1", "::1:80", "[::1]", "[1.2.3.4]:80", ":80",
                             "127.0.0.1:65536", "127.0.0.1:-1", "a b:80", "127.0.0.1:80x"}) {
    INFO(listen);
    CHECK(mentions(refused({"--listen", listen}), "--listen: expected HOST:PORT"));
  }
  for (const char* share : {"0.51", "-0.1", "nan", "inf", "", "0.1x"}) {
    INFO(share);
    CHECK(mentions(refused({"--wait-jitter", share}), "--wait-jitter: expected"));
  }
  CHECK(mentions(refused({"--drain-delay", "61m"}),
                 "--drain-delay: expected a duration from 0 to 1h"));
  for (const char* path : {"api", "/api/", "/", "/a//b", "/a b", "/a?b"}) {
    INFO(path);
    CHECK(mentions(refused({"--base-path", path}), "--base-path: expected"));
  }
  CHECK(mentions(refused({"--bucket", "a.b"}), "--bucket: expected a bucket name"));
  CHECK(mentions(refused({"--auth", "basic"}), "--auth: expected none, "));
  CHECK(mentions(refused({"--access-log", "some"}), "--access-log: expected off, sampled or all"));
  CHECK(mentions(refused({"--allow-anonymous=maybe"}), "expected true or false"));
}

TEST_CASE("options: the retry grace is a duration, memory is in bytes") {
  CHECK(accepted({}, kHome).retry_grace == 0s);
  CHECK(accepted({"--retry-grace", "3m"}, kHome).retry_grace == 180s);
  CHECK(mentions(refused({"--retry-grace", "25h"}), "--retry-grace: expected a duration"));
  CHECK(accepted({}, kHome).max_memory == 0);
  CHECK(accepted({"--max-memory", "512MiB"}, kHome).max_memory == 512U << 20U);
  CHECK(accepted({"--max-memory", "2GiB"}, kHome).max_memory == std::size_t{2} << 30U);
  CHECK(accepted({"--max-memory", "2048KiB"}, kHome).max_memory == 2U << 20U);
  CHECK(accepted({"--max-memory", "3000000"}, kHome).max_memory == 3'000'000);
  CHECK(accepted({"--max-memory", "0"}, kHome).max_memory == 0);
  for (const char* bytes : {"", "GiB", "1023KiB", "1000", "-1MiB", "2GB", "2 GiB", "2gib", "1e9",
                            "99999999999GiB", "18446744073709551616", "1MiBMiB"}) {
    INFO(bytes);
    CHECK(mentions(refused({"--max-memory", bytes}), "--max-memory: expected 0, or bytes"));
  }
}

TEST_CASE("options: a certificate needs its key, and clients' need both") {
  const ServeOptions options = accepted(
      {"--tls-cert", "/c", "--tls-key", "/k", "--tls-client-ca", "/a", "--tls-client-crl", "/r"},
      kHome);
  CHECK(options.tls_cert == "/c");
  CHECK(options.tls_key == "/k");
  CHECK(options.tls_client_ca == "/a");
  CHECK(options.tls_client_crl == "/r");
  CHECK(mentions(refused({"--tls-cert", "/c"}), "--tls-cert: expected --tls-key, too"));
  CHECK(mentions(refused({"--tls-key", "/k"}), "--tls-key: expected --tls-cert, too"));
  CHECK(mentions(refused({"--tls-client-ca", "/a"}), "--tls-client-ca: expected --tls-cert and"));
  CHECK(mentions(refused({"--tls-cert", "/c", "--tls-key", "/k", "--tls-client-crl", "/r"}),
                 "--tls-client-crl: expected --tls-client-ca, too"));
  CHECK(mentions(refused({"--tls-cert", ""}), "--tls-cert: expected a PEM file"));
}

TEST_CASE("options: unknown and incomplete flags are refused") {
  CHECK(mentions(refused({"--max-waits", "3s"}),
                 "--max-waits: no such setting; did you mean --max-wait? `bide serve --help`"));
  CHECK(
      mentions(refused({"--colour"}), "--colour: no such setting; `bide serve --help` lists them"));
  CHECK(mentions(refused({"--max_wait", "3s"}), "--max_wait: no such setting"));
  CHECK(mentions(refused({"--"}), "no such setting"));
  CHECK(mentions(refused({"build-7"}), "`build-7`: expected a flag"));
  CHECK(mentions(refused({"--bucket"}), "--bucket: expected a bucket name"));
  CHECK(mentions(refused({"--nats", "--bucket", "b"}), "--nats: expected"));
}

TEST_CASE("options: a variable that is no setting is a warning") {
  Environment environment = kHome;
  environment["BIDE_MAXWAIT"] = "3s";
  environment["BIDE_max_wait"] = "3s";
  environment["BIDE_PORT"] = "8080";
  environment["BIDE_PORT_X_TCP"] = "1";
  environment["BIDE_SERVER_NAME"] = "x";
  const auto warnings = accepted({}, environment).warnings;
  REQUIRE(warnings.size() == 5);
  CHECK(mentions(warnings[0], "BIDE_MAXWAIT: no such setting; did you mean BIDE_MAX_WAIT?"));
}

TEST_CASE("options: variables of Kubernetes and Docker for services are no settings") {
  Environment environment = kHome;
  for (const std::string service : {"BIDE", "BIDE_NATS", "BIDE_MAX_WAIT", "BIDE_SERVER"}) {
    environment[service + "_SERVICE_HOST"] = "10.96.7.31";
    environment[service + "_SERVICE_PORT"] = "8080";
    environment[service + "_SERVICE_PORT_HTTP_2"] = "8080";
    environment[service + "_PORT"] = "tcp://10.96.7.31:8080";
    environment[service + "_PORT_8080_TCP"] = "tcp://10.96.7.31:8080";
    environment[service + "_PORT_8080_TCP_PROTO"] = "tcp";
    environment[service + "_PORT_8080_TCP_PORT"] = "8080";
    environment[service + "_PORT_8080_TCP_ADDR"] = "10.96.7.31";
    environment[service + "_PORT_53_UDP"] = "udp://10.96.7.31:53";
    environment[service + "_PORT_53_SCTP_ADDR"] = "10.96.7.31";
    environment[service + "_NAME"] = "/web/bide";
    environment[service + "_ENV_LANG"] = "C";
  }
  const ServeOptions options = accepted({}, environment);
  CHECK(options.warnings.empty());
  CHECK(options == accepted({}));
  // A known setting is not taken for such a variable, whatever else is set.
  environment["BIDE_MAX_WAIT"] = "soon";
  CHECK(mentions(refused({}, environment), "BIDE_MAX_WAIT: expected"));
}

TEST_CASE("options: risky combinations cause a warning") {
  const auto warnings = [](const Args& args) { return accepted(args).warnings; };
  CHECK(warnings({"--auth", "jwt", "--jwt-key", "/k", "--jwt-audience", "bide"}).empty());
  const auto any = warnings({"--auth", "jwt", "--jwt-key", "/k"});
  REQUIRE(any.size() == 1);
  CHECK(mentions(any[0], "--jwt-audience"));
  CHECK(warnings({"--auth", "token-file=/t"}).empty());
  const auto plain = warnings({"--auth", "token-file=/t", "--listen", "0.0.0.0:80"});
  REQUIRE(plain.size() == 1);
  CHECK(mentions(plain[0], "plain text"));
  CHECK(warnings({"--auth", "token-file=/t", "--listen", "0.0.0.0:80", "--tls-cert", "/c",
                  "--tls-key", "/k"})
            .empty());
  CHECK(accepted({"--core-dumps"}).core_dumps);
}

TEST_CASE("options: an error is one line, whatever it quotes") {
  CHECK(mentions(refused({"--a\nb\x1B[2J"}), "--a?b?[2J: no such setting"));
  const TomlFile key("\"a\\nb\" = 1\n");
  CHECK(mentions(refused({"--config", key.path()}), ":1: a?b: no such setting"));
  const TomlFile number("max-wait = n\n1 = 1\n");
  CHECK(mentions(refused({"--config", number.path()}), "saw 'n?'"));
}

TEST_CASE("options: errors of the file name the file and the line") {
  const auto with = [](std::string_view toml) {
    const TomlFile file(toml);
    std::string message = refused({"--config", file.path()});
    CHECK(message.starts_with(file.path() + ":"));
    return message.substr(file.path().size());
  };
  CHECK(mentions(with("\nmaxwait = \"3s\"\n"),
                 ":2: maxwait: no such setting; did you mean max-wait?"));
  CHECK(mentions(with("max_wait = \"3s\"\n"), ":1: max_wait: no such setting"));
  CHECK(mentions(with("max-wait = \"3 days\"\n"), ":1: max-wait: expected a duration"));
  CHECK(mentions(with("\n\nbucket = 5\n"), ":3: bucket: expected a string"));
  CHECK(mentions(with("threads = \"4\"\n"), ":1: threads: expected an integer"));
  CHECK(mentions(with("allow-anonymous = \"yes\"\n"), ":1: allow-anonymous: expected a boolean"));
  CHECK(mentions(with("[serve]\nthreads = 4\n"), "serve: no such setting"));
  CHECK(mentions(with("threads = [4]\n"), ":1: threads: expected an integer"));
  CHECK(mentions(with("threads = 1\nthreads = 2\n"), ":2"));
  CHECK(mentions(with("a = 1\nbucket = \"open\n"), ":2"));
  CHECK(mentions(with("config = \"x\"\n"), ":1: config: no such setting"));
}

TEST_CASE("options: a file that is not there, or is a directory, is an error") {
  CHECK(
      mentions(refused({"--config", "/nowhere/bide.toml"}), "/nowhere/bide.toml: cannot be read"));
  CHECK(mentions(refused({"--config", "/tmp"}), "/tmp: cannot be read"));
}

TEST_CASE("options: the file speaks all types") {
  const TomlFile file(
      "bucket = \"b\"\nmax-wait = 30\nwait-jitter = 0.25\nallow-anonymous = true\n"
      "listen = \"0.0.0.0:80\"\nmax-parked = 10\n");
  const ServeOptions options = accepted({"--config", file.path()});
  CHECK(options.bucket == "b");
  CHECK(options.max_wait == 30s);
  CHECK(options.wait_jitter == 0.25);
  CHECK(options.allow_anonymous);
  CHECK(options.max_parked == 10);
}

TEST_CASE("options: without authentication only loopback is served, unless it is asked for") {
  for (const char* listen : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"}) {
    CHECK(accepted({"--listen", listen}).listen.front().port == 1);
  }
  for (const char* listen : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.example.org:1"}) {
    INFO(listen);
    CHECK(mentions(refused({"--listen", listen}), "--allow-anonymous"));
    CHECK(accepted({"--listen", listen, "--allow-anonymous"}).listen.front().port == 1);
    CHECK(mentions(refused({"--listen", "127.0.0.1:2", "--listen", listen}), listen));
  }
}

TEST_CASE("options: several addresses, from one source at a time") {
  const std::vector<ListenAddress> three = {
      {.host = "127.0.0.1", .port = 1}, {.path = "/run/b.sock"}, {.host = "::1", .port = 0}};
  CHECK(accepted({"--listen", "127.0.0.1:1", "--listen=unix:/run/b.sock", "--threads", "1",
                  "--listen", "[::1]:0"})
            .listen == three);
  CHECK(accepted({"--listen", "127.0.0.1:1,unix:/run/b.sock,[::1]:0"}).listen == three);
  CHECK(accepted({}, {{"HOME", "/h"}, {"BIDE_LISTEN", "127.0.0.1:1,unix:/run/b.sock,[::1]:0"}})
            .listen == three);
  const TomlFile file("listen = [\"127.0.0.1:1\", \"unix:/run/b.sock\", \"[::1]:0\"]");
  CHECK(accepted({"--config", file.path()}).listen == three);
  CHECK(accepted({"--config", file.path(), "--listen", "127.0.0.1:9"}).listen.size() == 1);
  for (const char* text :
       {"listen = []", "listen = [1]", "listen = [\"127.0.0.1:1\", 2]", "bucket = [\"a\"]"}) {
    CAPTURE(text);
    const TomlFile wrong(text);
    CHECK(mentions(refused({"--config", wrong.path()}), "expected a string"));
  }
  for (const char* text : {"", ",", "127.0.0.1:1,,[::1]:1", "127.0.0.1:1,127.0.0.1:1",
                           "unix:/a,unix:/a", "unix:", "unix:relative", "unix:/a,b"}) {
    CAPTURE(text);
    CHECK(mentions(refused({"--listen", text}), "expected HOST:PORT"));
  }
  CHECK(accepted({"--listen", "127.0.0.1:0,127.0.0.1:0"}).listen.size() == 2);
  const std::string longest = "unix:/" + std::string(106, 'p');
  CHECK(accepted({"--listen", longest}).listen.front().path.size() == 107);
  CHECK(mentions(refused({"--listen", longest + "p"}), "expected HOST:PORT"));
}

TEST_CASE("options: a Unix socket has permissions, and no TLS") {
  CHECK(accepted({"--listen", "unix:/a", "--listen-mode", "0777"}).listen_mode == 0777);
  CHECK(accepted({"--listen-mode", "600"}).listen_mode == 0600);
  for (const char* mode : {"", "1000", "8", "rw", "-1", "0660 "}) {
    CAPTURE(mode);
    CHECK(mentions(refused({"--listen-mode", mode}), "octal"));
  }
  const std::vector<std::string> tls = {"--listen",  "unix:/a", "--tls-cert",      "/c",
                                        "--tls-key", "/k",      "--tls-client-ca", "/ca"};
  CHECK(mentions(refused(tls), "no TLS on Unix sockets"));
  auto with_tokens = tls;
  with_tokens.insert(with_tokens.end(), {"--auth", "token-file=/t"});
  CHECK(accepted(with_tokens).listen.front().is_unix());
}

TEST_CASE("options: sockets that systemd has passed replace those of --listen") {
  const auto with = [](std::vector<std::string> args, ListenAddress passed) {
    return parse_serve_options(args, {{"HOME", "/home/u"}}, {std::move(passed)});
  };
  const auto parsed = with({"--listen", "127.0.0.1:1"}, {.path = "/p", .passed_fd = 3});
  REQUIRE(std::holds_alternative<ServeOptions>(parsed));
  CHECK(std::get<ServeOptions>(parsed).listen ==
        std::vector<ListenAddress>{{.path = "/p", .passed_fd = 3}});
  // They are bound by the same rules.
  CHECK(std::holds_alternative<UsageError>(
      with({}, {.host = "0.0.0.0", .port = 80, .passed_fd = 3})));
}

TEST_CASE("options: authentication, and limits for each client") {
  const AuthOptions file = accepted({"--auth", "token-file=/t", "--auth-cookie=c_1"}).auth;
  CHECK(file.kind == AuthOptions::Kind::kTokenFile);
  CHECK(file.token_file == "/t");
  CHECK(file.cookie == "c_1");
  const AuthOptions jwt = accepted({"--auth=jwt", "--jwt-secret-file=/s", "--jwt-key=/k",
                                    "--jwt-issuer=i", "--jwt-audience=a"})
                              .auth;
  CHECK(jwt.kind == AuthOptions::Kind::kJwt);
  CHECK(jwt.jwt_secret_file == "/s");
  CHECK(jwt.jwt_key == "/k");
  CHECK(jwt.jwt_issuer == "i");
  CHECK(jwt.jwt_audience == "a");
  const ServeOptions options = accepted({"--cors-origin=https://a,http://b:1",
                                         "--max-parked-per-client=5", "--max-rate-per-client=0"});
  CHECK(options.cors_origins == std::vector<std::string>{"https://a", "http://b:1"});
  CHECK(accepted({"--cors-origin=HTTPS://A:443,http://b:80,https://b:80"}).cors_origins ==
        std::vector<std::string>{"https://a", "http://b", "https://b:80"});
  CHECK(accepted({"--allowed-host=jobs.example,192.0.2.1,[2001:db8::1]"}).allowed_hosts ==
        std::vector<std::string>{"jobs.example", "192.0.2.1", "[2001:db8::1]"});
  for (const char* hosts : {"--allowed-host=jobs.example:80", "--allowed-host=a,,b",
                            "--allowed-host=*", "--allowed-host=http://a"}) {
    CHECK(mentions(refused({hosts}), "--allowed-host: expected a name or an address without"));
  }
  CHECK(options.max_parked_per_client == 5);
  CHECK(options.max_rate_per_client == 0);

  CHECK_FALSE(options.max_connections_per_client);
  CHECK(accepted({"--max-connections-per-client=7"}).max_connections_per_client == 7);

  CHECK(mentions(refused({"--auth=basic"}), "none, token-file=FILE or jwt"));
  CHECK(mentions(refused({"--auth=token-file="}), "token-file=FILE"));
  CHECK(mentions(refused({"--auth=jwt"}), "--jwt-key or --jwt-secret-file"));
  CHECK(mentions(refused({"--jwt-key=/k"}), "--auth jwt"));
  CHECK(mentions(refused({"--jwt-issuer=i", "--auth=token-file=/t"}), "--auth jwt"));
  CHECK(mentions(refused({"--auth-cookie=a b"}), "letters"));
  CHECK(mentions(refused({"--cors-origin=https://a/"}), "without a path"));
  CHECK(mentions(refused({"--cors-origin=https://a,,https://b"}), "without a path"));
}

TEST_CASE("options: trusted proxies") {
  const auto trusted = accepted({"--trusted-proxy=10.0.0.0/8,::1,192.0.2.1"}).trusted_proxies;
  REQUIRE(trusted.size() == 3);
  CHECK(trusted[0] == AddressRange::parse("10.0.0.0/8"));
  CHECK(trusted[2] == AddressRange::parse("192.0.2.1/32"));
  CHECK(accepted({}).trusted_proxies.empty());
  for (const char* const bad : {"10.0.0.0/33", "proxy.example", "10.0.0.1:80", "[::1]", "a,b",
                                "10.0.0.1,,10.0.0.2", "::/200"}) {
    CAPTURE(bad);
    CHECK(mentions(refused({"--trusted-proxy", bad}), "--trusted-proxy: expected addresses"));
  }
}

TEST_CASE("options: a list has 64 values at most") {
  std::string hosts = "a";
  for (int i = 1; i < 64; ++i) hosts += ",a";
  CHECK(accepted({"--allowed-host", hosts}).allowed_hosts.size() == 64);
  CHECK(mentions(refused({"--allowed-host", hosts + ",a"}), "64 at most"));
}

TEST_CASE("options: the state folder follows XDG, and without any home it must be named") {
  CHECK(accepted({}, {{"XDG_STATE_HOME", "/x"}, {"HOME", "/h"}}).data_dir == "/x/bide");
  CHECK(accepted({}, {{"XDG_STATE_HOME", "x"}, {"HOME", "/h"}}).data_dir == "/h/.local/state/bide");
  CHECK(mentions(refused({}, {}), "--data-dir: expected a directory"));
  CHECK(accepted({"--nats", "nats://h"}, {}).data_dir.empty());
  CHECK_FALSE(accepted({}, {{"HOME", "/h"}}).snapshot_dir);
  CHECK(accepted({"--snapshot-dir", "/s"}, {{"HOME", "/h"}}).snapshot_dir == "/s");
  CHECK(accepted({"--snapshot-dir", ""}, {{"HOME", "/h"}}).snapshot_dir == "");
  CHECK(accepted({}, {{"HOME", "/h"}, {"BIDE_SNAPSHOT_DIR", "none"}}).snapshot_dir == "");
}

TEST_CASE("options: --help is text with every setting, not an error") {
  auto parsed = parse_serve_options(Args{"--help"}, {});
  REQUIRE(std::holds_alternative<UsageError>(parsed));
  const UsageError& help = std::get<UsageError>(parsed);
  CHECK(help.exit_code == 0);
  for (const ServeSetting& setting : serve_settings()) {
    CHECK(mentions(help.message, "--" + std::string(setting.name)));
  }
  for (const std::size_t columns : {40U, 80U, 120U}) {
    const std::string text = help_of(serve_command(), columns);
    for (std::size_t start = 0; start < text.size();) {
      const std::size_t end = text.find('\n', start);
      const std::string line = text.substr(start, end - start);
      const bool is_example = line.starts_with("  bide serve -");  // For copying, as one line.
      CHECK_MESSAGE((line.size() <= columns || is_example), line);
      start = end + 1;
    }
  }
}

TEST_CASE("options: the login to NATS comes by flag, variable or file, and is checked as a whole") {
  const TomlFile file("nats-ca = \"/ca\"\nnats-inbox-prefix = \"_INBOX_ci\"\n");
  Environment environment = kHome;
  environment["BIDE_CONFIG"] = file.path();
  environment["BIDE_NATS_CREDS"] = "/u.creds";
  environment["BIDE_NATS_CONTEXT"] = "ci";
  const NatsCredentials credentials =
      accepted({"--nats-context=other"}, environment).nats_credentials;
  CHECK(credentials.ca_file == "/ca");
  CHECK(credentials.inbox_prefix == "_INBOX_ci");
  CHECK(credentials.creds_file == "/u.creds");
  CHECK(credentials.context == "other");
  CHECK(credentials.config_dir == "/home/u/.config");
  CHECK(mentions(refused({"--nats-nkey", "/n"}, environment), "--nats-nkey and --nats-creds"));
  environment.erase("BIDE_NATS_CONTEXT");
  CHECK(mentions(refused({}, environment), "need --nats or --nats-context"));
  CHECK(mentions(refused({"--nats-context", "a/b"}), "--nats-context: expected a context's name"));
}

TEST_CASE("nats_url: accepted lists") {
  for (const char* url :
       {"nats://h", "nats://h:4222", "tls://u:p@h:1", "h:4222", "nats://[::1]:2", "nats://token@h/",
        "nats://a, nats://b", "nats://ci%40example:p%3As%2Fw%3Fd%231%25@h",
        "nats://%73%2C@h,tls://%e4:%E4@i:2"}) {
    INFO(std::string(url));
    CHECK(is_nats_url_list(url));
  }
  for (const char* url : {"",
                          "nats://",
                          "http://h",
                          "nats://h:0",
                          "nats://h:65536",
                          "nats://h:x",
                          "nats://h/path",
                          "nats://a,,nats://b",
                          "nats://@h",
                          "nats://:4222",
                          "nats://[]:1",
                          "nats://a b",
                          "nats://h:1:2",
                          "nats://u%:p@h",
                          "nats://u:%4@h",
                          "nats://u:p%zz@h",
                          "nats://%00@h",
                          "nats://a,nats://100%@b",
                          "nats://u:p\x01@h",
                          "nats://h\x7f"}) {
    INFO(std::string(url));
    CHECK_FALSE(is_nats_url_list(url));
    CHECK(mentions(refused({"--nats", url}), "--nats: expected nats://HOST:PORT"));
  }
}

TEST_CASE("nats_url: secrets are never printed") {
  CHECK(redacted("nats://h:4222") == "nats://h:4222");
  CHECK(redacted("nats://u:p@h:4222") == "nats://***@h:4222");
  CHECK(redacted("u:p@h") == "***@h");
  CHECK(redacted("nats://t@h,tls://u:p@i") == "nats://***@h,tls://***@i");
  for (const char* url : {"nats://u:sec@ret@h", "nats://u:sec,ret@h,nats://v:secret@i"}) {
    INFO(url);
    CHECK_FALSE(mentions(redacted(url), "ret"));
    CHECK_FALSE(mentions(redacted(url), "sec"));
  }
  CHECK_FALSE(mentions(refused({"--nats", "nats://u:secret@h:99999"}), "secret"));
  CHECK_FALSE(mentions(refused({"--nats", "nats://u:secret%@h"}), "secret"));
  CHECK(mentions(refused({"--nats", "nats://u:secret%@h"}), "% is written %25"));
}

}  // namespace
}  // namespace bide
