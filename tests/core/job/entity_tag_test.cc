#include "core/job/entity_tag.h"

#include <doctest/doctest.h>

#include <ostream>
using namespace bide;

namespace {

const EntityTag kTag{0x17a, 42, 0xabc};
const std::string kOpaque = "17a-42-0000000000000abc";

std::string in_quotes(std::string_view opaque) { return '"' + std::string(opaque) + '"'; }

// `@` stands for bide's own tag.
std::string with_ours(std::string_view field_value) {
  std::string out;
  for (const char c : field_value) out += c == '@' ? in_quotes(kOpaque) : std::string(1, c);
  return out;
}

bool matches(std::string_view field_value) {
  const auto list = ValidatorList::parse(field_value);
  REQUIRE(list);
  return list->matches(kTag);
}

}  // namespace

TEST_CASE("entity_tag: is written as epoch, revision and padded hash") {
  CHECK(opaque_tag(kTag) == kOpaque);
  CHECK(opaque_tag({}) == "0-0-0000000000000000");
  CHECK(opaque_tag({UINT64_MAX, UINT64_MAX, UINT64_MAX}) ==
        "ffffffffffffffff-18446744073709551615-ffffffffffffffff");
}

TEST_CASE("entity_tag: reads back every tag that it wrote") {
  for (const EntityTag& tag : {kTag, EntityTag{}, EntityTag{UINT64_MAX, UINT64_MAX, UINT64_MAX},
                               EntityTag{0, 1, 0}, EntityTag{1, 0, UINT64_MAX}}) {
    CHECK(parse_opaque_tag(opaque_tag(tag)) == tag);
  }
}

TEST_CASE("entity_tag: any other spelling of the same numbers is not ours") {
  const std::string_view rows[] = {
      "",
      "-",
      "--",
      "17a-42",
      "17a-42-",
      "17a--0000000000000abc",
      "-42-0000000000000abc",
      "17A-42-0000000000000abc",
      "17a-42-0000000000000ABC",
      "017a-42-0000000000000abc",
      "17a-042-0000000000000abc",
      "17a-42-abc",
      "17a-42-00000000000000abc",
      "17a-42-0000000000000abc-",
      "17a-42-0000000000000abc ",
      " 17a-42-0000000000000abc",
      "17a-+42-0000000000000abc",
      "17a--42-0000000000000abc",
      "0x17a-42-0000000000000abc",
      "17a-2a-0000000000000abc",
      "17a-18446744073709551616-0000000000000abc",
      "10000000000000000-42-0000000000000abc",
  };
  for (const std::string_view row : rows) {
    CAPTURE(row);
    CHECK_FALSE(parse_opaque_tag(row));
  }
}

TEST_CASE("entity_tag: no truncation or mutation is taken for another tag") {
  for (std::size_t size = 0; size < kOpaque.size(); ++size) {
    CHECK_FALSE(parse_opaque_tag(kOpaque.substr(0, size)));
  }
  for (std::size_t at = 0; at < kOpaque.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string mutated = kOpaque;
      mutated[at] = static_cast<char>(byte);
      const auto tag = parse_opaque_tag(mutated);
      if (tag) CHECK(opaque_tag(*tag) == mutated);
    }
  }
}

TEST_CASE("entity_tag: the suffix of a compressing proxy is ignored") {
  for (const char* suffix : {"", "-gzip", "-br", "-zstd", ";gzip", ";br"}) {
    CAPTURE(suffix);
    CHECK(parse_received_tag(kOpaque + suffix) == kTag);
    CHECK(matches(in_quotes(kOpaque + suffix)));
    CHECK(matches("W/" + in_quotes(kOpaque + suffix)));
    CHECK(matches("\"x-gzip\", " + in_quotes(kOpaque + suffix)));
  }
  for (const char* suffix : {"-", ";", "gzip", "+gzip", "--gzip", "-GZIP", "-gzip-gzip", "-gzipx",
                             "-identity", "-gzip ", " -gzip"}) {
    CAPTURE(suffix);
    CHECK_FALSE(parse_received_tag(kOpaque + suffix));
  }
  for (const char* foreign : {"", "-gzip", ";gzip", "gzip", "br", "-br", "x-gzip", "17a-42-gzip"}) {
    CAPTURE(foreign);
    CHECK_FALSE(parse_received_tag(foreign));
  }
  // bide writes each tag in one spelling.
  CHECK_FALSE(parse_opaque_tag(kOpaque + "-gzip"));
}

TEST_CASE("validators: by strong comparison a weak tag matches nothing") {
  const auto matches_strongly = [](std::string_view field) {
    const auto list = ValidatorList::parse(with_ours(field), Comparison::kStrong);
    REQUIRE(list);
    return list->matches(kTag);
  };
  for (const char* field : {"*", "@", "\"x\", @", "W/@, @"}) CHECK(matches_strongly(field));
  CHECK(matches_strongly(in_quotes(kOpaque + "-gzip")));
  for (const char* field : {"W/@", "\"x\", W/@", "", "\"\""}) CHECK_FALSE(matches_strongly(field));
  CHECK_FALSE(ValidatorList::parse("@, x", Comparison::kStrong));
}

TEST_CASE("entity_tag: the hash is XXH3-64 of the bytes") {
  CHECK(hash_of("") ==
        0x2d06800538d394c2);  // The value of the reference for an empty input and seed 0.
  CHECK(hash_of("a") != hash_of("b"));
  CHECK(hash_of(std::string_view("\0", 1)) != hash_of(""));
}

TEST_CASE("validators: tags match in every form of the list") {
  const std::string_view rows[] = {
      "@",
      "W/@",
      "  @\t",
      "\"x\", @",
      "@,\"x\"",
      ",@",
      "@,",
      ", ,\t, @ , ,",
      "\"x\",W/\"y\" ,\t@,\"\"",
      "@,@",
      "\"a,b\", @",
      "\"a\\\", @",
      "\"\x80\xFF\",@",
      "\"!#~\",@",
  };
  for (const std::string_view row : rows) {
    CAPTURE(row);
    CHECK(matches(with_ours(row)));
  }
}

TEST_CASE("validators: a star stands alone and matches anything") {
  for (const std::string_view field : {"*", " *", "* \t"}) {
    const auto list = ValidatorList::parse(field);
    REQUIRE(list);
    CHECK(list->any());
    CHECK_FALSE(list->empty());
    CHECK(list->matches(kTag));
    CHECK(list->matches({}));
  }
}

TEST_CASE("validators: tags that bide cannot have issued match nothing") {
  for (const std::string_view field :
       {"\"\"", "W/\"\"", "\"x\"", "\"17a-42\", \"*\"", "", " ", ",", " , ,"}) {
    CAPTURE(field);
    const auto list = ValidatorList::parse(field);
    REQUIRE(list);
    CHECK(list->empty());
    CHECK_FALSE(list->any());
    CHECK_FALSE(list->matches(kTag));
  }
  CHECK(ValidatorList().empty());
  CHECK_FALSE(matches(in_quotes("17a-43-0000000000000abc")));
  CHECK_FALSE(matches(in_quotes("17b-42-0000000000000abc")));
  CHECK_FALSE(matches(in_quotes("17a-42-0000000000000abd")));
}

TEST_CASE("validators: a list outside the grammar is refused as a whole") {
  const std::string_view rows[] = {
      "17a-42-0000000000000abc",
      "'17a-42'",
      "W/17a-42",
      "\"",
      "\"17a",
      "17a\"",
      "@@",
      "@ @",
      "@;@",
      "w/@",
      "W/ @",
      "W@",
      "W/W/@",
      "*,@",
      "@,*",
      "**",
      "*,",
      ",*",
      "* *",
      "@,x",
      "x,@",
      "@\n",
      "\"a b\",@",
      "\"a\tb\",@",
      "\"a\x7F\",@",
      "\"a\nb\",@",
      std::string_view("\"a\0b\"", 5),
  };
  for (const std::string_view row : rows) {
    CAPTURE(row);
    CHECK_FALSE(ValidatorList::parse(with_ours(row)));
  }
}

TEST_CASE("validators: every truncation ends sanely, and only whole lists are taken") {
  const std::string field = "W/" + in_quotes("x") + ", " + in_quotes(kOpaque);
  const auto accepted = [](std::size_t size) { return size == 0 || (size >= 5 && size <= 7); };
  for (std::size_t size = 0; size < field.size(); ++size) {
    CAPTURE(size);
    CHECK(ValidatorList::parse(field.substr(0, size)).has_value() == accepted(size));
  }
  for (std::size_t at = 0; at < field.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string mutated = field;
      mutated[at] = static_cast<char>(byte);
      const auto list = ValidatorList::parse(mutated);
      if (list && mutated != field && list->matches(kTag)) CHECK(at < 7);
    }
  }
}
