#pragma once
// SchemaCompiler: the parts of compile_schema(), one function a type.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <verge/core/result.hpp>
#include <verge/engine/text/grammar/json_schema/json_rules.hpp>
#include <verge/engine/text/grammar/json_schema/merge.hpp>

namespace verge::text::grammar {

class SchemaCompiler {
 public:
  using Json = nlohmann::ordered_json;

  SchemaCompiler(const Json& document, Rules& rules)
      : merger_(document), rules_(rules), json_(rules) {}

  Result<int32_t> compile_document(const Json& document);

 private:
  /// A schema, flat, and where it stands.
  struct Place {
    const Json& schema;
    const std::string& pointer;
    int depth;
  };

  // schema.cpp
  Result<Node> compile(const Json& schema, const std::string& pointer, int depth);
  Result<Node> compile_flat(const Place& at);
  Result<Node> reference(const std::string& pointer, const std::string& place);
  Result<Node> any_of(const Place& at, const char* keyword);
  Result<Node> enumeration(const Place& at);
  Result<Node> of_type(const std::string& type, const Place& at);
  Status refuse_unknown(const Place& at) const;
  Status check_size(const std::string& pointer) const;

  // schema_values.cpp
  Result<Node> string(const Place& at);
  Result<Node> integer(const Place& at);
  Result<Node> number(const Place& at);
  Result<Node> multiples_between(int64_t divisor, int64_t least, int64_t most, const Place& at);

  // schema_containers.cpp
  struct Property {
    std::string name;
    Node member;
    bool required;
  };
  Result<Node> array(const Place& at);
  Result<Node> object(const Place& at);
  Result<std::vector<Property>> properties(const Place& at);
  Result<std::optional<Node>> additional(const Place& at, const std::vector<Property>& known);
  Node members(const std::vector<Property>& properties, std::optional<Node> additional);
  Result<Node> counted_members(const Place& at, Node member);

  static const Json* find(const Json& schema, const char* keyword);
  /// A count of `keyword`, at most `most`; `otherwise` where it is absent.
  static Result<int64_t> count(const Place& at, const char* keyword, int64_t otherwise);
  static Error malformed(const Place& at, const char* keyword, const char* wanted);
  static Error refuse(const Place& at, const char* keyword, const std::string& why);

  SchemaMerger merger_;
  Rules& rules_;
  JsonRules json_;
  std::map<std::pair<int64_t, bool>, Node> multiples_;  // by divisor and whether below 0 too
  std::map<std::string, int32_t> references_;           // rules of schemas that are pointed to
  std::vector<std::string> pending_;                    // those not yet compiled
};

}  // namespace verge::text::grammar
