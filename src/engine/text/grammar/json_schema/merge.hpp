#pragma once
// Schemas that hold together: allOf, and $ref or anyOf with keywords beside them, as one schema.

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include <verge/core/result.hpp>

namespace verge::text::grammar {

/// Reads the parts of one document; counts what it does against kMaxSchemaVisits.
class SchemaMerger {
 public:
  explicit SchemaMerger(const nlohmann::ordered_json& document) : document_(document) {}

  /// Another schema is looked at, `depth` of them inside one another.
  Status visit(const std::string& place, int depth);

  /// `schema` without $ref, allOf, const and nullable: merged into its other keywords. Annotations
  /// are left out.
  Result<nlohmann::ordered_json> flatten(const nlohmann::ordered_json& schema,
                                         const std::string& place, int depth);
  /// What is valid for both; both flat. `place` is for errors.
  Result<nlohmann::ordered_json> merge(nlohmann::ordered_json a, const nlohmann::ordered_json& b,
                                       const std::string& place);

  /// The schema that "#/..." points to. Unsupported outside of the document, NotFound within it.
  Result<const nlohmann::ordered_json*> resolve(const std::string& reference,
                                                const std::string& place) const;

 private:
  Status count_compared(const std::string& key, size_t pairs, const std::string& place);
  Status merge_key(nlohmann::ordered_json& a, const std::string& key,
                   const nlohmann::ordered_json& value, const std::string& place);

  const nlohmann::ordered_json& document_;
  int visits_ = 0;
  int64_t copied_ = 0;
  int64_t compared_ = 0;  // pairs of list entries
};

/// Whether the standard gives `keyword` no say in what is valid.
bool is_annotation(const std::string& keyword);

}  // namespace verge::text::grammar
