// Responses of every resource and status follow RFC 9110 and 9112 to the letter: Date, framing,
// HEAD, the fields of a 304, Vary, Allow, problems, and whether the connection goes on.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "core/base/json_object.h"
#include "server/http/http_date.h"
#include "tests/server/served_table.h"

namespace bide {
namespace {

using testing::Client;
using testing::defined;
using testing::happened;
using testing::ServedTable;

using Fields = std::map<std::string, std::string>;

struct Answer {
  int status = 0;
  Fields fields;
  bool doubled = false;  // Some field came twice.
  std::string body;
};

Answer parse(const std::string& bytes) {
  Answer answer;
  const std::size_t end = bytes.find("\r\n\r\n");
  REQUIRE(end != std::string::npos);
  REQUIRE(bytes.starts_with("HTTP/1.1 "));
  answer.status = std::stoi(bytes.substr(9, 3));
  for (std::size_t at = bytes.find("\r\n"); at < end;) {
    const std::size_t next = bytes.find("\r\n", at + 2);
    const std::string line = bytes.substr(at + 2, next - at - 2);
    const std::size_t colon = line.find(": ");
    REQUIRE(colon != std::string::npos);
    answer.doubled |= !answer.fields.emplace(line.substr(0, colon), line.substr(colon + 2)).second;
    at = next;
  }
  answer.body = bytes.substr(end + 4);
  return answer;
}

struct Asked {
  std::string target;
  std::string fields{};
  int status = 200;
};

std::string request_of(const Asked& asked, const std::string& method,
                       const std::string& version = "HTTP/1.1") {
  return method + " " + asked.target + " " + version + "\r\nHost: a\r\n" + asked.fields + "\r\n";
}

// A server with a job of each sort, and NATS away or not.
struct Site {
  explicit Site() {
    server.apply(defined("open", 1));
    server.apply(happened("open", 2, EventKind::kStarted, "a"));
    server.apply(defined("failed", 3));
    server.apply(happened("failed", 4, EventKind::kFailed, "a"));
  }
  Answer ask(const Asked& asked, const std::string& method) {
    Client client = server.dial();
    client.send(request_of(asked, method));
    const Answer answer = parse(client.response(method == "HEAD"));
    CAPTURE(asked.target);
    CAPTURE(method);
    CHECK(answer.status == asked.status);
    return answer;
  }
  std::string etag_of(const std::string& target) { return ask({target}, "GET").fields.at("ETag"); }
  ServedTable server;
};

std::string opaque(const std::string& tag) { return tag.substr(1, tag.size() - 2); }

// Every resource, in every status that it has while NATS is there.
std::vector<Asked> all_answers(Site& site) {
  const auto unless = [&](const std::string& target) {
    return "If-None-Match: " + site.etag_of(target) + "\r\n";
  };
  std::vector<Asked> all = {
      {"/livez"},
      {"/readyz"},
      {"/health"},
      {"/health/ready"},
      {"/metrics"},
      {"/livez?x=1"},
      {"/metrics?x=1"},
      {"/readyz?fresh"},
      {"/readyz?_=1"},
      {"/readyz?frehs", "", 400},
      {"/readyz?fresh=no", "", 400},
      {"/readyz?fresh&fresh", "", 400},
      {"/health", "Accept: application/json\r\n"},
      {"/health/ready?fresh", "Accept: application/json\r\n"},
      {"/nothing", "", 404},
      {"/"},
      {"/", unless("/"), 304},
      {"/", "If-None-Match: x\r\n", 400},
      {"/", "If-Match: \"x\"\r\n", 412},
      {"/job/", "", 404},
      {"/job/open"},
      {"/job/open", "Accept: text/plain\r\n"},
      {"/job/open?until=done&wait=1ms"},
      {"/job/open", "Accept: image/png\r\n", 406},
      {"/job/open?wait=soon", "", 400},
      {"/job/open?unitl=done", "", 400},
      {"/job/open?_=1&_x=y"},
      {"/job/open?_=1&_x=y&x", "", 400},
      {"/job/open", "If-Match: x\r\n", 400},
      {"/job/open", "If-Match: \"x\"\r\n", 412},
      {"/job/open", "If-Match: *\r\n"},
      {"/job/open?wait=1s", "If-Match: \"x\"\r\nIf-None-Match: *\r\n", 412},
      {"/job/nobody", "If-Match: *\r\n", 404},
      {"/job/failed?until=succeeded&wait=1s", "If-Match: \"x\"\r\n", 409},
      {"/job/open", "If-None-Match: x\r\n", 400},
      {"/job/nobody", "", 404},
      {"/job/nobody?until=exists&wait=200ms", "", 404},
      {"/job/open", unless("/job/open"), 304},
      {"/job/open", "If-None-Match: *\r\n", 304},
      {"/job/open?wait=1ms", unless("/job/open"), 304},
      {"/job/failed?until=succeeded&wait=1s", "", 409},
      {"/job/status"},
      {"/job/status", unless("/job/status"), 304},
      {"/job/status", "Accept: text/plain\r\n", 406},
      {"/job/status?wait=soon", "", 400},
      {"/job/status?limit=1", "", 400},
      {"/job/status", "If-Match: \"x\"\r\n", 412},
      {"/job"},
      {"/job?status=failed"},
      {"/job", unless("/job"), 304},
      {"/job?limit=0", "", 400},
      {"/job?staus=failed", "", 400},
      {"/job", "If-Match: \"x\"\r\n", 412},
      {"/job?id=open,failed"},
      {"/job?id=open,,failed", "", 400},
      {"/job?id=open&ids=failed", "", 400},
      {"/job?id=open,failed", "If-Match: \"x\"\r\n", 412},
      {"/job?id=open&id=failed"},
      {"/job?id=open&id=failed", unless("/job?id=open&id=failed"), 304},
      {"/job?id=open&id=nobody", "", 404},
      {"/job?id=open&id=failed&until=succeeded&wait=1s", "", 409},
      {"/job/open/events?until=never", "", 400},
      {"/job/open/events?wait=1s", "", 400},
      {"/job/events?limit=1", "", 400},
      {"/job/status/events?since=1", "", 400},
      {"/job/nobody/events", "", 404},
      {"/job/failed/events?last_event_id=" + opaque(site.etag_of("/job/failed")), "", 204},
      {"/job/open/ws", "", 426},
      {"/job/nobody/ws", "", 426},
      {"/job/status/ws", "", 426},
  };
  std::vector<Asked> based;
  for (const Asked& asked : all)
    based.push_back({"/api" + asked.target, asked.fields, asked.status});
  all.insert(all.end(), based.begin(), based.end());
  return all;
}

// The Vary of a response with a state or about one; empty: none.
std::string vary_of(const Asked& asked, int status) {
  const auto has = [&](const char* text) { return asked.target.find(text) != std::string::npos; };
  if ((has("/livez") || has("/readyz") || has("/health")) && status != 400) return "Accept";
  const bool state =
      has("/job") && !has("/ws") && !has("/events") && !asked.target.ends_with("/job/");
  return state ? "Accept, Prefer" : "";
}

void check_fields(const Answer& answer) {
  CHECK_FALSE(answer.doubled);
  CHECK(answer.fields.contains("Date"));
  CHECK(answer.fields.at("Date").size() == kHttpDateBytes);
  CHECK(answer.fields.at("Date").ends_with(" GMT"));
  CHECK(answer.fields.contains("Cache-Control"));
  CHECK(answer.fields.at("X-Content-Type-Options") == "nosniff");
  CHECK(answer.fields.at("Cross-Origin-Resource-Policy") == "same-origin");
  CHECK_FALSE(answer.fields.contains("Server"));
  CHECK_FALSE(answer.fields.contains("Last-Modified"));
  const bool content = answer.status != 204 && answer.status != 304;
  CHECK(answer.fields.contains("Content-Length") == content);
  CHECK(answer.fields.contains("Content-Type") == content);
  if (answer.status == 503) CHECK(answer.fields.at("Retry-After") == "1");
  if (answer.status == 426 && !testing::speak_http2()) {
    CHECK(answer.fields.at("Connection") == "Upgrade");
  }
}

void check_problem(const Answer& answer) {
  CHECK(answer.fields.at("Content-Type") == "application/problem+json");
  CHECK(answer.fields.at("Cache-Control") == "no-store");
  const auto parsed =
      JsonObject::parse(answer.body, {"type", "title", "detail", "error", "status", "code"}, 8);
  REQUIRE(std::holds_alternative<JsonObject>(parsed));
  const auto& problem = std::get<JsonObject>(parsed);
  for (const char* member : {"type", "title", "detail", "error"}) {
    CAPTURE(member);
    CHECK_FALSE(problem[member].text.empty());
  }
  for (const char* member : {"status", "code"}) {
    CHECK(problem[member].raw == std::to_string(answer.status));
  }
}

// Fields that differ from one answer to the next, for any client.
Fields without_time(Fields fields) {
  for (const char* name : {"Date", "Bide-Waited"}) fields.erase(name);
  return fields;
}

void check_both_methods(Site& site, const Asked& asked) {
  CAPTURE(asked.target);
  CAPTURE(asked.fields);
  const Answer got = site.ask(asked, "GET");
  Answer head = site.ask(asked, "HEAD");
  check_fields(got);
  check_fields(head);
  CHECK(head.body.empty());
  if (asked.target.find("/metrics") != std::string::npos)
    head.fields["Content-Length"] = got.fields.at("Content-Length");
  CHECK(without_time(head.fields) == without_time(got.fields));
  CHECK(head.fields.contains("Bide-Waited") == got.fields.contains("Bide-Waited"));
  const bool content = got.fields.contains("Content-Length");
  CHECK(got.body.size() == (content ? std::stoul(got.fields.at("Content-Length")) : 0));
  if (got.status >= 400) check_problem(got);
  // What Accept or Prefer had a say in says so, also where it is an error.
  const std::string vary = vary_of(asked, got.status);
  CHECK(got.fields.contains("Vary") == !vary.empty());
  if (!vary.empty()) CHECK(got.fields.at("Vary") == vary);
}

}  // namespace

TEST_CASE("http_letter: GET and HEAD of every resource, in every status") {
  Site site;
  for (const Asked& asked : all_answers(site)) check_both_methods(site, asked);
}

TEST_CASE("http_letter: a state that is not fresh is 503 and says when to come again") {
  Site site;
  bool reading = false;
  SUBCASE("NATS is away") { site.server.contact.heard(TimePoint{}); }
  SUBCASE("the first read is under way") {
    site.server.contact.set_ready(false);
    reading = true;
  }
  for (const char* target : {"/readyz", "/health/ready"}) {
    check_both_methods(site, {target, "", reading ? 503 : 200});
  }
  const Answer unready =
      site.ask({"/health/ready?fresh", "Accept: application/json\r\n", 503}, "GET");
  CHECK(unready.fields.at("Content-Type") == "application/json");
  CHECK(unready.body.starts_with(R"({"status":"not_ready","error":")"));
  for (const char* target :
       {"/readyz?fresh", "/health/ready?fresh", "/job/open", "/job/open?wait=1s", "/job/nobody",
        "/job", "/job/status", "/job?id=open"}) {
    check_both_methods(site, {target, "", 503});
    check_both_methods(site, {"/api" + std::string(target), "", 503});
  }
  CHECK(site.ask({"/livez"}, "GET").status == 200);
}

TEST_CASE("http_letter: a 304 has these fields and no others") {
  Site site;
  const std::string tag = site.etag_of("/job/open");
  const Answer plain = site.ask({"/job/open", "If-None-Match: " + tag + "\r\n", 304}, "GET");
  std::vector<std::string> names;
  for (const auto& [name, value] : plain.fields) names.push_back(name);
  CHECK(names == std::vector<std::string>{"Bide-Final", "Bide-Outcome", "Bide-Status",
                                          "Cache-Control", "Cross-Origin-Resource-Policy", "Date",
                                          "ETag", "Vary", "X-Content-Type-Options"});
  CHECK(plain.fields.at("ETag") == tag);
  const Answer whole = site.ask({"/job/open"}, "GET");
  for (const char* name : {"Cache-Control", "ETag", "Vary"}) {
    CHECK(whole.fields.at(name) == plain.fields.at(name));
  }
}

TEST_CASE("http_letter: probes answer in JSON if they are asked to") {
  Site site;
  const std::string json = "Accept: application/json\r\n";
  for (const auto& [target, status] : std::map<std::string, std::string>{
           {"/livez", "ok"}, {"/health", "ok"}, {"/readyz", "ready"}, {"/health/ready", "ready"}}) {
    const Answer asked = site.ask({target, json}, "GET");
    CHECK(asked.fields.at("Content-Type") == "application/json");
    CHECK(asked.body == R"({"status":")" + status + "\"}");
    for (const char* accept : {"", "Accept: */*\r\n", "Accept: text/plain\r\n"}) {
      const Answer plain = site.ask({target, accept}, "GET");
      CHECK(plain.fields.at("Content-Type") == "text/plain; charset=utf-8");
      CHECK(plain.body == "ok\n");
    }
  }
}

TEST_CASE("http_letter: If-Match is judged before If-None-Match, once, when the request comes") {
  Site site;
  const auto names = [](const std::string& field, const std::string& tags) {
    return field + ": " + tags + "\r\n";
  };
  for (const std::string target :
       {"/job/open", "/job/status", "/job", "/job?id=open,failed", "/job?status=failed"}) {
    const std::string tag = site.etag_of(target);
    const std::string suffixed = "\"" + opaque(tag) + "-gzip\"";
    const std::string other = site.etag_of(target == "/job" ? "/job/open" : "/job");
    const std::string same = names("If-None-Match", tag);
    for (const std::string& tags : {tag, "\"x\", " + tag, other + " , " + tag, suffixed}) {
      check_both_methods(site, {target, names("If-Match", tags)});
      check_both_methods(site, {target, names("If-Match", tags) + same, 304});
    }
    check_both_methods(site, {target, names("If-Match", "\"x\"") + names("If-Match", tag)});
    check_both_methods(site, {target, names("If-Match", "*") + same, 304});
    for (const std::string& tags : {other, "W/" + tag, std::string("\"\""), std::string(",")}) {
      check_both_methods(site, {target, names("If-Match", tags), 412});
      check_both_methods(site, {target, names("If-Match", tags) + same, 412});
      const char* const wait = target.find('?') == std::string::npos ? "?wait=9s" : "&wait=9s";
      check_both_methods(site, {target + wait, names("If-Match", tags) + same, 412});
    }
    for (const std::string& tags : {opaque(tag), "*, " + tag, tag + tag}) {
      check_both_methods(site, {target, names("If-Match", tags), 400});
    }
  }
  // The text has a tag of its own.
  const std::string text = "Accept: text/plain\r\n";
  const std::string tag = site.etag_of("/job/open");
  check_both_methods(site, {"/job/open", text + names("If-Match", tag), 412});
  // A held request goes on when the state changes: that is what it waits for.
  Client client = site.server.dial();
  client.send(request_of(
      {"/job/open?wait=9s", names("If-Match", tag) + names("If-None-Match", tag)}, "GET"));
  REQUIRE(site.server.wait_parked(1));
  site.server.apply(happened("open", 5, EventKind::kCompleted, "a"));
  const Answer changed = parse(client.response());
  CHECK(changed.status == 200);
  CHECK(changed.fields.at("Bide-Outcome") == "changed");
}

TEST_CASE("http_letter: a tag with a proxy's suffix is held as the tag itself") {
  Site site;
  const std::string tag = opaque(site.etag_of("/job/open"));
  for (const char* suffix : {"-gzip", "-br", "-zstd", ";gzip"}) {
    const std::string field = "If-None-Match: \"" + tag + suffix + "\"\r\n";
    check_both_methods(site, {"/job/open", field, 304});
    Client client = site.server.dial();
    client.send(request_of({"/job/open?wait=9s", field}, "GET"));
    CHECK(site.server.wait_parked(1));
    client.close();
    CHECK(site.server.wait_parked(0));
  }
}

TEST_CASE("http_letter: 256 UUIDs fit into one request, however they are listed") {
  Site site;
  std::string repeated;
  std::string listed = "&id=";
  std::string escaped = "&id=";
  for (int i = 0; i < 256; ++i) {
    std::string id = "00000000-0000-4000-8000-000000000000";
    id.replace(0, 3, std::to_string(100 + i));
    site.server.apply(defined(id, static_cast<Revision>(100 + i)));
    repeated += "&id=" + id;
    listed += (i == 0 ? "" : ",") + id;
    escaped += (i == 0 ? "" : "%2C") + id;
  }
  const std::string base = "/job?until=done&match=any&wait=1ms";
  const Answer one = site.ask({base + repeated}, "GET");
  CHECK(site.ask({base + listed}, "GET").body == one.body);
  CHECK(site.ask({base + escaped}, "GET").body == one.body);
  CHECK(site.ask({base + listed + "&id=open", "", 400}, "GET").body.find("at most 256") !=
        std::string::npos);
  CHECK(site.ask({"/job?id=open&id=failed,open"}, "GET").body ==
        site.ask({"/job?id=open,failed"}, "GET").body);
  for (const char* ids : {"", ",", "open,", ",open", "open,,failed"}) {
    const Answer bad = site.ask({"/job?id=" + std::string(ids), "", 400}, "GET");
    CHECK(bad.body.find("an id is empty") != std::string::npos);
  }
}

TEST_CASE("http_letter: without tokens a foreign Host is 421, for every resource and transport" *
          doctest::skip(testing::speak_http2())) {
  Site site;
  const ServedHosts hosts({{.host = "127.0.0.1"}}, {"jobs.example"});
  site.server.use_hosts(hosts);
  const auto ask = [&](const std::string& start, const std::string& fields) {
    Client client = site.server.dial();
    client.send(start + "\r\n" + fields + "\r\n");
    return parse(
        client.response(start.starts_with("HEAD") || fields.find("Upgrade") != std::string::npos));
  };
  const std::string socket =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  for (const char* target : {"/job/open", "/livez", "/readyz", "/metrics", "/nothing",
                             "/job/status", "/job/open/events", "/job/events", "/job/open/ws"}) {
    for (const char* method : {"GET ", "HEAD ", "POST ", "BREW "}) {
      const Answer answer =
          ask(method + std::string(target) + " HTTP/1.1", "Host: evil.example\r\n");
      CAPTURE(target);
      CHECK(answer.status == 421);
      check_fields(answer);
      if (answer.body.empty()) continue;
      check_problem(answer);
      CHECK(answer.body.find("--allowed-host") != std::string::npos);
    }
  }
  CHECK(ask("GET /job/open/ws HTTP/1.1", "Host: evil.example\r\n" + socket).status == 421);
  CHECK(ask("GET /job/open/ws HTTP/1.1", "Host: localhost:1\r\n" + socket).status == 101);
  CHECK(ask("GET http://evil.example/livez HTTP/1.1", "Host: localhost\r\n").status == 421);
  CHECK(ask("GET http://localhost/livez HTTP/1.1", "Host: evil.example\r\n").status == 200);
  CHECK(ask("GET /livez HTTP/1.1", "Host: Jobs.Example:8080\r\n").status == 200);
  CHECK(ask("GET /livez HTTP/1.1", "Host:\r\n").status == 421);
  CHECK(ask("GET /livez HTTP/1.0", "").status == 200);
  // The connection is good for another request.
  Client client = site.server.dial();
  client.send(
      "GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\nGET /livez HTTP/1.1\r\nHost: "
      "[::1]\r\n\r\n");
  CHECK(parse(client.response()).status == 421);
  CHECK(parse(client.response()).status == 200);
}

TEST_CASE("http_letter: the responses of writes") {
  Site site;
  const Answer created = site.ask({"/job/written", "", 201}, "PUT");
  check_fields(created);
  CHECK(created.fields.at("Location") == "/api/job/written");
  CHECK(created.fields.at("Content-Type") == "application/json");
  CHECK(created.fields.at("Vary") == "Accept, Prefer");
  CHECK(created.fields.at("Content-Length") == std::to_string(created.body.size()));
  const Answer other = site.ask({"/job/written", "", 409}, "PUT");
  check_fields(other);
  check_problem(other);
  const Answer gone = site.ask({"/job/written", "", 204}, "DELETE");
  check_fields(gone);
  CHECK(gone.body.empty());
  const Answer absent = site.ask({"/job/written", "", 404}, "DELETE");
  check_fields(absent);
  check_problem(absent);
}

TEST_CASE("http_letter: a method that a resource does not have is 405, an unknown one 501") {
  Site site;
  struct Row {
    std::string allowed;
    std::vector<std::string> targets;
  };
  for (const Row& row :
       {Row{"GET, HEAD",
            {"/livez", "/readyz", "/metrics", "/job/status", "/job/events", "/job/open/ws",
             "/api/livez"}},
        Row{"GET, HEAD, POST", {"/job", "/job?id=open", "/job/open/events"}},
        Row{"GET, HEAD, PUT, DELETE", {"/job/open", "/job/nobody", "/api/job/open"}}}) {
    for (const std::string& target : row.targets) {
      for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"}) {
        if (row.allowed.find(method) != std::string::npos) continue;
        const Answer answer = site.ask({target.c_str(), "", 405}, method);
        check_fields(answer);
        check_problem(answer);
        CHECK(answer.fields.at("Allow") == row.allowed);
      }
    }
  }
  for (const char* target : {"/livez", "/job/open", "/nothing", "/"}) {
    for (const char* method : {"BREW", "get", "Head", "PROPFIND", "QUERY", "M-SEARCH"}) {
      const Answer answer = site.ask({target, "", 501}, method);
      check_fields(answer);
      check_problem(answer);
    }
  }
  check_problem(site.ask({"/nothing", "", 404}, "POST"));
  const Answer all = site.ask({"*", "", 405}, "OPTIONS");
  check_problem(all);
  CHECK(all.fields.at("Allow") == "GET, HEAD");
  if (testing::speak_http2()) return;  // Its CONNECT has no path.
  const Answer tunnel = site.ask({"a:443", "", 501}, "CONNECT");
  check_problem(tunnel);
  CHECK(tunnel.fields.at("Connection") == "close");
}

TEST_CASE(
    "http_letter: the parser's refusals are problems like all others, to HEAD without a body" *
    doctest::skip(testing::speak_http2())) {
  Site site;
  const std::string long_value(30'000, 'x');
  const std::vector<Asked> refused = {
      {"/livez", "Host: b\r\n", 400},
      {"/livez", "Bad Name: b\r\n", 400},
      {"/livez", "Content-Length: x\r\n", 400},
      {"/livez", "Content-Length: 9999999\r\n", 413},
      {"/livez", "Transfer-Encoding: gzip, chunked\r\n", 501},
      {"/livez", "Expect: wonders\r\n", 417},
      {"/livez", "X: " + long_value + "\r\n", 431},
      {"/" + long_value, "", 414},
      {"/\\", "", 400},
  };
  for (const Asked& asked : refused) {
    for (const std::string method : {"GET", "HEAD"}) {
      Client client = site.server.dial();
      client.send(request_of(asked, method));
      const Answer answer = parse(client.response(method == "HEAD"));
      CAPTURE(asked.status);
      CAPTURE(method);
      CHECK(answer.status == asked.status);
      check_fields(answer);
      CHECK(answer.fields.at("Connection") == "close");
      if (method == "GET") check_problem(answer);
      CHECK(client.at_end());  // Nothing behind it, least of all a body for HEAD.
    }
  }
}

TEST_CASE("http_letter: the connection goes on as RFC 9112 section 9.3 says" *
          doctest::skip(testing::speak_http2())) {
  Site site;
  struct Row {
    const char* version;
    std::string fields;
    std::string answer;  // Its Connection.
  };
  const std::vector<Row> rows = {
      {"HTTP/1.1", "", ""},
      {"HTTP/1.1", "Connection: keep-alive\r\n", ""},
      {"HTTP/1.1", "Connection: x, y\r\n", ""},
      {"HTTP/1.1", "Connection: closed, Upgrade\r\n", ""},
      {"HTTP/1.1", "Connection: close\r\n", "close"},
      {"HTTP/1.1", "Connection: CLOSE\r\n", "close"},
      {"HTTP/1.1", "connection: te,CLOSE ,x\r\n", "close"},
      {"HTTP/1.1", "Connection: keep-alive, close\r\n", "close"},
      {"HTTP/1.1", "Connection: keep-alive\r\nConnection: Close\r\n", "close"},
      {"HTTP/1.0", "", "close"},
      {"HTTP/1.0", "Connection: x\r\n", "close"},
      {"HTTP/1.0", "Connection: keep-alive\r\n", "keep-alive"},
      {"HTTP/1.0", "Connection: x, Keep-Alive\r\n", "keep-alive"},
      {"HTTP/1.0", "Connection: keep-alive, close\r\n", "close"},
  };
  const std::string tag = "If-None-Match: *\r\n";
  for (const Asked& asked : std::vector<Asked>{{"/livez"},
                                               {"/job/open"},
                                               {"/job/open", tag, 304},
                                               {"/nothing", "", 404},
                                               {"/job/nobody", "", 404}}) {
    for (const Row& row : rows) {
      CAPTURE(asked.target);
      CAPTURE(row.version);
      CAPTURE(row.fields);
      Client client = site.server.dial();
      client.send(request_of({asked.target, asked.fields + row.fields}, "GET", row.version));
      const Answer answer = parse(client.response());
      CHECK(answer.status == asked.status);
      CHECK(answer.fields.contains("Connection") == !row.answer.empty());
      if (!row.answer.empty()) CHECK(answer.fields.at("Connection") == row.answer);
      if (row.answer == "close") {
        CHECK(client.at_end());
      } else {
        client.send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(client.response().starts_with("HTTP/1.1 200 "));
      }
    }
  }
}

TEST_CASE("http_letter: 100 Continue is said once, before the final answer, and not to HTTP/1.0" *
          doctest::skip(testing::speak_http2())) {
  Site site;
  const std::string expects = "Expect: 100-continue\r\nContent-Length: 5\r\n";
  Client client = site.server.dial();
  client.send(request_of({"/livez", expects}, "POST"));
  CHECK(client.response(true) == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");
  CHECK(parse(client.response()).status == 405);
  client.send(request_of({"/livez", expects}, "POST") + "hello");  // Did not wait.
  CHECK(parse(client.response()).status == 405);
  client.send(request_of({"/livez", "Expect: 100-continue\r\n"}, "GET"));  // No body to wait for.
  CHECK(parse(client.response()).status == 200);
  Client old = site.server.dial();
  old.send(request_of({"/livez", expects}, "POST", "HTTP/1.0"));
  old.send("hello");
  CHECK(parse(old.response()).status == 405);
}

TEST_CASE("http_letter: a stream's head has no length, and HEAD the same fields") {
  Site site;
  for (const char* target :
       {"/job/open/events", "/job/status/events", "/job/events", "/api/job/events"}) {
    CAPTURE(target);
    Answer answers[2];
    for (const bool head : {false, true}) {
      Client client = site.server.dial();
      client.send(request_of({target}, head ? "HEAD" : "GET"));
      answers[head ? 1 : 0] = parse(client.response(true));
      if (head) CHECK(client.at_end());
    }
    CHECK(answers[0].status == 200);
    CHECK(answers[0].fields.at("Content-Type") == "text/event-stream; charset=utf-8");
    CHECK(answers[0].fields.at("X-Content-Type-Options") == "nosniff");
    CHECK(answers[0].fields.at("Cross-Origin-Resource-Policy") == "same-origin");
    CHECK_FALSE(answers[0].fields.contains("Content-Length"));
    CHECK(answers[0].fields.contains("Date"));
    CHECK(without_time(answers[0].fields) == without_time(answers[1].fields));
  }
}

}  // namespace bide
