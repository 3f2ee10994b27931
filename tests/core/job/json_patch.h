// tests/core/job/json_patch.h: A client that applies JSON patches (RFC 6902), for tests.
#pragma once

#include <rapidjson/document.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bide::testing {

// Numbers are compared as they were written.
inline rapidjson::Document parsed_json(std::string_view text) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseIterativeFlag>(
      text.data(), text.size());
  if (document.HasParseError()) throw std::runtime_error("not JSON: " + std::string(text));
  return document;
}

class PatchedDocument {
 public:
  explicit PatchedDocument(std::string_view json) : document_(parsed_json(json)) {}

  void apply(std::string_view patch) {
    const rapidjson::Document operations = parsed_json(patch);
    for (const auto& operation : operations.GetArray()) apply(operation);
  }
  [[nodiscard]] bool equals(std::string_view json) const { return document_ == parsed_json(json); }

 private:
  using Value = rapidjson::Value;

  static std::vector<std::string> tokens_of(std::string_view pointer) {
    std::vector<std::string> tokens;
    for (const char c : pointer) {
      if (c == '/') {
        tokens.emplace_back();
      } else {
        tokens.back() += c;
      }
    }
    for (std::string& token : tokens) {
      for (std::size_t at = 0; (at = token.find('~', at)) != std::string::npos; ++at) {
        token.replace(at, 2, token.at(at + 1) == '1' ? "/" : "~");
      }
    }
    return tokens;
  }

  void apply(const Value& operation) {
    const std::string op = operation["op"].GetString();
    const Value& path = operation["path"];
    std::vector<std::string> tokens = tokens_of({path.GetString(), path.GetStringLength()});
    const std::string last = std::move(tokens.back());
    tokens.pop_back();
    Value* parent = &document_;
    for (const std::string& token : tokens) parent = &member(*parent, token)->value;
    if (op == "add") return add(*parent, last, operation["value"]);
    const auto at = member(*parent, last);
    if (op == "remove") {
      parent->RemoveMember(at);
    } else if (op != "test" || at->value != operation["value"]) {
      throw std::runtime_error("an operation that cannot be applied: " + op);
    }
  }

  void add(Value& parent, const std::string& name, const Value& value) {
    auto& memory = document_.GetAllocator();
    Value copy(value, memory);
    if (parent.IsArray()) {
      const std::size_t index = std::stoul(name);
      if (index > parent.Size()) throw std::runtime_error("beyond the array's end");
      parent.PushBack(copy, memory);
      for (auto at = static_cast<rapidjson::SizeType>(parent.Size() - 1); at > index; --at) {
        parent[at].Swap(parent[at - 1]);
      }
      return;
    }
    const Value key(name.data(), static_cast<rapidjson::SizeType>(name.size()), memory);
    if (parent.HasMember(key)) {
      parent[key] = copy;
    } else {
      parent.AddMember(Value(key, memory), copy, memory);
    }
  }

  static Value::MemberIterator member(Value& object, const std::string& name) {
    const Value key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    if (!object.HasMember(key)) throw std::runtime_error("no such member: " + name);
    return object.FindMember(key);
  }

  rapidjson::Document document_;
};

}  // namespace bide::testing
