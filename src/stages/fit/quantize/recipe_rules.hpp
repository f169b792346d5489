#pragma once
// The recipes as data: a base type, and for each role the exceptions, first match first.

#include <span>
#include <string_view>

#include <verge/core/dtype.hpp>

namespace verge::fit {

/// What a matrix does in a transformer, as its name tells.
enum class Role {
  Output,
  AttentionValue,
  AttentionKey,
  AttentionOutput,
  AttentionFused,  // query, key and value in one matrix
  FfnDown,
  KeepF32,  // routers and position tables: small, and errors there change everything
  Other,
};

/// For which of n layers a rule holds, i being the layer.
enum class Where {
  Everywhere,
  FirstTwo,
  FirstFour,
  FirstSixteenth,
  FirstEighth,
  EdgesAndThirds,  // first and last eighth, and every third layer between
  SharedKeys,      // not layers: models with 4 or more heads for each KV head
};

struct Rule {
  Role role;
  Where where;
  DType type;
};

struct RecipeRules {
  std::string_view name;
  DType base;
  std::span<const Rule> rules;
};

std::span<const RecipeRules> all_recipes();

}  // namespace verge::fit
