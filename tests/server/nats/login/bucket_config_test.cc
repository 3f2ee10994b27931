#include "server/nats/login/bucket_config.h"

#include <doctest/doctest.h>

namespace bide {
namespace {

using Texts = std::vector<std::string>;

BucketConfig config_of(std::string_view bucket, const std::string& config) {
  auto parsed = parse_bucket_config(
      bucket, R"({"type":"io.nats.jetstream.api.v1.stream_info_response","config":)" + config +
                  R"(,"state":{"messages":0},"ts":"2026-01-31T12:00:00Z"})");
  if (const auto* failure = std::get_if<ConfigFailure>(&parsed)) FAIL(failure->text);
  return std::get<BucketConfig>(std::move(parsed));
}

TEST_CASE("bucket config: a bucket's keys are on its own subjects") {
  const BucketConfig plain = config_of("q", R"({"name":"KV_q","subjects":["$KV.q.>"]})");
  CHECK(plain.keys.key_of("$KV.q.jobs.a") == "jobs.a");
  CHECK(plain.keys.key_of("$KV.other.jobs.a").empty());
  CHECK(plain.keys.key_of("$KV.q").empty());
  CHECK(plain.keys.key_of("jobs.a").empty());
  CHECK(plain.keys.filter() == "$KV.q.>");
  CHECK(plain.keys.subjects_of("jobs.a") == Texts{"$KV.q.jobs.a"});
  CHECK(plain.has_own_subjects);
  CHECK(plain.mirror_of.empty());
  CHECK(plain.sources.empty());
  CHECK(plain.powers.empty());
  CHECK_FALSE(plain.allow_direct);
  CHECK(plain.replicas == 1);
  CHECK(config_of("q", R"({"num_replicas":3})").replicas == 3);
  CHECK_FALSE(config_of("q", R"({"subjects":["$KV.r.>"]})").has_own_subjects);
}

TEST_CASE("bucket config: a mirror's keys are on its origin's subjects, wherever that is") {
  const BucketConfig mirror =
      config_of("edge", R"({"mirror":{"name":"KV_origin"},"mirror_direct":true})");
  CHECK(mirror.mirror_of == "origin");
  CHECK_FALSE(mirror.mirrors_a_part);
  CHECK(
      config_of("edge", R"({"mirror":{"name":"KV_a","filter_subject":"$KV.a.b"}})").mirrors_a_part);
  CHECK(config_of("edge",
                  R"({"mirror":{"name":"KV_a","subject_transforms":[{"src":"x","dest":"y"}]}})")
            .mirrors_a_part);
  CHECK_FALSE(mirror.has_own_subjects);
  CHECK(mirror.keys.key_of("$KV.origin.jobs.a") == "jobs.a");
  CHECK(mirror.keys.key_of("$KV.origin-of-the-origin.jobs.a") == "jobs.a");
  CHECK(mirror.keys.key_of("$KV.origin").empty());
  CHECK(mirror.keys.key_of("$KV.").empty());
  CHECK(mirror.keys.key_of("orders.origin.jobs.a").empty());
  CHECK(mirror.keys.filter() == ">");
  const BucketConfig external = config_of(
      "edge", R"({"mirror":{"name":"KV_hub","external":{"api":"$JS.hub.API","deliver":""}}})");
  CHECK(external.mirror_of == "hub");
  CHECK(external.keys.key_of("$KV.hub.jobs.a") == "jobs.a");
  CHECK(config_of("edge", R"({"mirror":{"name":"ORDERS"}})").mirror_of == "ORDERS");
}

TEST_CASE("bucket config: sources and transforms of subjects") {
  const BucketConfig both = config_of(
      "all", R"({"subjects":["$KV.all.>"],"sources":[{"name":"KV_a"},{"name":"KV_b",)"
             R"("subject_transforms":[{"src":"$KV.b.>","dest":"copies.b.>"},{"src":"x","dest":""}])"
             R"(}]})");
  CHECK(both.sources == Texts{"a", "b"});
  CHECK(both.has_own_subjects);
  CHECK(both.keys.key_of("$KV.a.jobs.x") == "jobs.x");
  CHECK(both.keys.key_of("copies.b.jobs.x") == "jobs.x");
  CHECK(both.keys.key_of("$KV.all.jobs.x") == "jobs.x");
  CHECK(both.keys.subjects_of("jobs.x") ==
        Texts{"$KV.all.jobs.x", "copies.b.jobs.x", "$KV.*.jobs.x"});
  const BucketConfig moved = config_of(
      "q", R"({"subjects":["$KV.q.>"],"subject_transform":{"src":"$KV.q.>","dest":"moved.>"}})");
  CHECK(moved.keys.key_of("moved.jobs.x") == "jobs.x");
  CHECK(moved.keys.key_of("$KV.other.jobs.x").empty());
  CHECK(moved.keys.filter() == ">");
}

TEST_CASE("bucket config: powers of writers by headers") {
  const BucketConfig config = config_of(
      "q", R"({"subjects":["$KV.q.>"],"allow_rollup_hdrs":true,"allow_direct":true,)"
           R"("allow_msg_ttl":true,"allow_msg_counter":false,"allow_msg_schedules":null})");
  CHECK(config.powers == std::vector<std::string_view>{"allow_rollup_hdrs", "allow_msg_ttl"});
  CHECK(config.allow_direct);
}

TEST_CASE("bucket config: refusals and unreadable answers") {
  const auto failure = [](std::string_view json) {
    const auto parsed = parse_bucket_config("q", json);
    return std::holds_alternative<ConfigFailure>(parsed) ? std::get<ConfigFailure>(parsed)
                                                         : ConfigFailure{true, NATS_ERR, "parsed"};
  };
  const auto missing =
      failure(R"({"error":{"code":404,"err_code":10059,"description":"stream not found"}})");
  CHECK(missing.missing);
  CHECK(missing.text == "stream not found");
  const auto off = failure(R"({"error":{"code":503,"description":"JetStream not enabled"}})");
  CHECK_FALSE(off.missing);
  CHECK(off.text == "JetStream not enabled");
  for (const char* json : {"", "{}", "[]", R"({"config":3})", R"({"config":{"mirror":)", "\xFF"}) {
    CAPTURE(json);
    CHECK(failure(json).text == "an answer that cannot be read");
  }
  // The right form with members of wrong types: they are ignored.
  const BucketConfig odd = config_of(
      "q", R"({"subjects":[1],"mirror":[],"sources":{"name":"KV_a"},"subject_transform":"x"})");
  CHECK(odd.mirror_of.empty());
  CHECK(odd.sources.empty());
  CHECK(odd.keys.key_of("$KV.q.jobs.a") == "jobs.a");
}

}  // namespace
}  // namespace bide
