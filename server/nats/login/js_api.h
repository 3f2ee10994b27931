// server/nats/login/js_api.h: The subjects by which JetStream is asked: those of the JetStream that
// is nearest to the server, those of another domain (`$JS.<domain>.API.`), or those of another
// account that this one imports under a prefix.
//
// Thread safety: immutable value.
#pragma once

#include <string>
#include <string_view>

namespace bide {

class JsApi {
 public:
  static constexpr std::string_view kUsual = "$JS.API";

  JsApi() = default;
  // `prefix`: a subject without a dot at its end. Empty: kUsual.
  explicit JsApi(std::string_view prefix) {
    if (!prefix.empty()) prefix_ = prefix;
  }
  [[nodiscard]] static JsApi of_domain(std::string_view domain) {
    return JsApi("$JS." + std::string(domain) + ".API");
  }

  // Neither a domain nor a prefix was given.
  [[nodiscard]] bool is_usual() const { return prefix_ == kUsual; }
  [[nodiscard]] const std::string& prefix() const { return prefix_; }
  // Whether what is about `domain` is about this JetStream. Of a prefix the domain is not known.
  [[nodiscard]] bool may_be_in(std::string_view domain) const {
    return is_usual() || prefix_ == of_domain(domain).prefix_ || !prefix_.starts_with("$JS.");
  }

  // Where to send what usually goes to `usual`: a request to `$JS.API.>`, or an entry to `$KV.>`.
  // JetStream maps `$JS.<domain>.API.$KV.>` to `$KV.>` of that domain. Without the prefix, the
  // entry would go to a bucket of the same name nearby, or a leaf node would not let it through.
  [[nodiscard]] std::string subject(std::string_view usual) const {
    if (is_usual()) return std::string(usual);
    const bool request = usual.starts_with(kUsual) && usual.substr(kUsual.size()).starts_with('.');
    std::string subject = prefix_;
    if (request) return subject.append(usual.substr(kUsual.size()));
    return subject.append(".").append(usual);
  }

 private:
  std::string prefix_{kUsual};
};

}  // namespace bide
