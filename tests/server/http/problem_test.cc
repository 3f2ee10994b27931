#include "server/http/problem.h"

#include <doctest/doctest.h>

namespace bide {

TEST_CASE("problem: the members of RFC 9457 and of osapi, in a fixed order") {
  const http::Response response =
      problem(404, "job-not-found", "Job not found", "no job \"build-7\"");
  CHECK(response.status == 404);
  CHECK(response.get_header_value("Content-Type") == "application/problem+json");
  CHECK(response.get_header_value("Cache-Control") == "no-store");
  CHECK(response.body ==
        R"({"type":"urn:bide:problem:job-not-found","title":"Job not found","status":404,)"
        R"("detail":"no job \"build-7\"","error":"no job \"build-7\"","code":404})");
}

TEST_CASE("problem: further members are written as they are") {
  const http::Response response =
      problem(409, "x", "t", "d", {{"job", R"({"id":"a","n":1.50})"}, {"more", "[]"}});
  CHECK(response.body ==
        R"({"type":"urn:bide:problem:x","title":"t","status":409,"detail":"d","error":"d",)"
        R"("code":409,"job":{"id":"a","n":1.50},"more":[]})");
}

TEST_CASE("problem: a status may speak for itself") {
  const http::Response response = problem(431, "more than 100 fields");
  CHECK(response.status == 431);
  CHECK(response.body == R"({"type":"urn:bide:problem:request-header-fields-too-large",)"
                         R"("title":"Request Header Fields Too Large","status":431,)"
                         R"("detail":"more than 100 fields","error":"more than 100 fields",)"
                         R"("code":431})");
}

TEST_CASE("problem: a client's bytes cannot break the document") {
  const http::Response response = problem(400, std::string("a\xFF\"\\\n\0b", 7));
  CHECK(response.body.find(R"("detail":"a?\"\\\n\u0000b")") != std::string::npos);
}

}  // namespace bide
