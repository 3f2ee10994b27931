#include "core/base/json_object.h"

#include <doctest/doctest.h>

#include <string>
#include <variant>

using namespace bide;

namespace {

std::variant<JsonObject, JsonError> parse_strictly(std::string_view text) {
  return JsonObject::parse(text, {"a"}, 8, JsonDuplicates::kRefused);
}

using Elements = std::vector<std::string_view>;

}  // namespace

TEST_CASE("json object: duplicates are refused where they must be, however they are written") {
  for (const char* text :
       {R"({"a":1,"a":1})", R"({"b":1,"a":2,"b":3})", R"({"a":1,"\u0061":2})", R"({"":1,"":2})"}) {
    CAPTURE(text);
    CHECK(std::get<JsonError>(parse_strictly(text)) == JsonError::kDuplicate);
    CHECK(std::holds_alternative<JsonObject>(JsonObject::parse(text, {"a"}, 8)));
  }
}

TEST_CASE("json object: a name may come again at another depth, in another case, as a value") {
  for (const char* text : {R"({"a":{"a":1},"b":[{"a":1}]})", R"({"a":"a","A":1,"a ":2})"}) {
    CAPTURE(text);
    CHECK(std::holds_alternative<JsonObject>(parse_strictly(text)));
  }
  CHECK(std::get<JsonError>(parse_strictly(R"({"a":1,"a":)")) == JsonError::kDuplicate);
  CHECK(std::get<JsonError>(parse_strictly(R"({"a":1)")) == JsonError::kSyntax);
}

TEST_CASE("json object: only valid UTF-8 is JSON, wherever it stands") {
  for (const char* text : {"{\"a\":\"\xFF\"}", "{\"b\":{\"c\":\"\xC0\x80\"}}",
                           "{\"\xED\xA0\x80\":1}", "{\"a\":\"\xE2\x82\"}", "{\"a\":1}\xFF"}) {
    CAPTURE(text);
    CHECK(std::holds_alternative<JsonError>(parse_strictly(text)));
  }
  CHECK(std::holds_alternative<JsonObject>(parse_strictly("{\"a\":\"\xE2\x82\xAC\"}")));
}

TEST_CASE("json object: an array falls into its elements") {
  CHECK(split_json_array("[]") == Elements{});
  CHECK(split_json_array(" [ \n] ") == Elements{});
  CHECK(split_json_array("[1]") == Elements{"1"});
  CHECK(split_json_array(R"([ {"a":[1,2]} , "],[" ,[[],{}],"\"]\\",null ])") ==
        Elements{R"({"a":[1,2]})", R"("],[")", "[[],{}]", R"("\"]\\")", "null"});
  for (const char* text : {"{}", "1", "\"[1]\"", "", " "}) CHECK_FALSE(split_json_array(text));
}

TEST_CASE("json object: an object falls into its members") {
  const auto members = [](std::string_view text) {
    std::string list;
    for (const RawJsonMember& member : split_json_object(text)) {
      list.append(member.name).append("=").append(member.value).append(";");
    }
    return list;
  };
  CHECK(members("{}").empty());
  CHECK(members(" { \n} ").empty());
  CHECK(members(R"({"a":1})") == "a=1;");
  CHECK(members(R"( { "a" : {"b":[1,{}]} , "a":"},{" ,"\":\\":null,"":[] } )") ==
        R"(a={"b":[1,{}]};a="},{";\":\\=null;=[];)");
  for (const char* text : {"[]", "1", R"(["a",{"b":1}])", R"("{\"a\":1}")", "", " "}) {
    CHECK(members(text).empty());
  }
}

TEST_CASE("json object: members are counted, asked for or not") {
  const auto count = [](std::string_view text) {
    return std::get<JsonObject>(JsonObject::parse(text, {"a"}, 8)).member_count();
  };
  CHECK(count("{}") == 0);
  CHECK(count(R"({"a":{"b":1,"c":2}})") == 1);
  CHECK(count(R"({"a":1,"a":1,"b":[{}]})") == 3);
}

TEST_CASE(
    "json object: names that are no text are one name, and refused twice where they must be") {
  CHECK(std::get<JsonError>(parse_strictly(R"({"\ud800":1,"\udc00":1})")) == JsonError::kDuplicate);
  CHECK(std::get<JsonError>(parse_strictly(R"({"n":1e309,"a":1,"a":1})")) == JsonError::kDuplicate);
  CHECK(std::get<JsonError>(JsonObject::parse(R"({"n":1e309,"d":[[]]})", {"n"}, 2)) ==
        JsonError::kDepth);
  const auto parsed = parse_strictly(R"({"\ud800":1,"n":1e309,"a" : "\ud800x\u0061" })");
  const auto& object = std::get<JsonObject>(parsed);
  CHECK(object["a"].raw == R"("\ud800x\u0061")");
  CHECK(object["a"].text == "\xEF\xBF\xBDxa");
  CHECK(object.member_count() == 3);
}
