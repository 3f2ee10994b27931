#include "core/job/job_id.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>

namespace bide {
namespace {

TEST_CASE("job id: keeps every length, and copies and moves are ids of their own") {
  CHECK(JobId().text().empty());
  for (const std::size_t size : {0U, 1U, 36U, 39U, 40U, 128U, 255U}) {
    CAPTURE(size);
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + i % 26);
    JobId id(text);
    CHECK(id.text() == text);
    JobId copy = id;
    CHECK(copy == id);
    const JobId moved = std::move(id);
    CHECK(moved.text() == text);
    copy = JobId("another");
    CHECK(copy.text() == "another");
    copy = moved;
    CHECK(copy == moved);
    JobId& same = copy;
    copy = same;
    CHECK(copy == moved);
  }
}

TEST_CASE("job id: what is too long is cut, and different ids differ") {
  CHECK(JobId(std::string(256, 'x')).text() == std::string(255, 'x'));
  CHECK_FALSE(JobId("a") == JobId("b"));
  CHECK_FALSE(JobId("a") == JobId("aa"));
}

}  // namespace
}  // namespace bide
