#pragma once
// Recipe: the type of each tensor of a model under a named mix such as Q4_K_M, which spends more
// bits where errors cost more: the output matrix, attention values, ffn_down, the first and last
// layers. Tensor names are GGUF's. Source: llama.cpp's quantization mixes (Kawrakow 2023).
//
//   VERGE_TRY(Recipe recipe, make_recipe("Q4_K_M"));
//   VERGE_RETURN_IF_ERROR(recipe.add_override("ffn_up=Q5_K"));
//   TypeChoice choice = recipe.type_of("blk.3.attn_v.weight", {256, 2048}, {.layers = 22});

#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include <verge/core/dtype.hpp>
#include <verge/core/result.hpp>
#include <verge/core/shape.hpp>

namespace verge::fit {

/// What a recipe needs to know of the model.
struct ModelFacts {
  int layers = 0;
  int heads_per_kv_head = 1;
  int experts = 0;           // 0: dense
  bool tied_output = false;  // no output.weight: token_embd.weight is the output matrix
};

struct TypeChoice {
  DType requested;  // by the recipe or an override
  DType type;       // what the columns allow; see fallback_type
  bool fell_back() const { return requested != type; }
};

struct RecipeRules;  // recipe_rules.hpp

class Recipe {
 public:
  std::string_view name() const;

  /// Tensors whose name contains a match of REGEX (ECMAScript) get TYPE, in "REGEX=TYPE"; the
  /// override added last wins. Vectors stay F32 whatever matches them.
  /// Fails with InvalidArgument on a bad expression or a type that cannot be written.
  Status add_override(std::string_view rule);

  /// `shape`'s last extent is the columns. Vectors, norms, routers and position tables are F32.
  TypeChoice type_of(std::string_view tensor, const Shape& shape, const ModelFacts& model) const;

 private:
  friend Result<Recipe> make_recipe(std::string_view name);
  explicit Recipe(const RecipeRules& rules) : rules_(&rules) {}

  struct Override {
    std::regex pattern;
    DType type;
  };
  DType requested_type(std::string_view tensor, const Shape& shape, const ModelFacts& model) const;

  const RecipeRules* rules_;
  std::vector<Override> overrides_;
};

/// The recipe of this name, upper or lower case; NotFound names those there are.
Result<Recipe> make_recipe(std::string_view name);

/// Every recipe's name, from most to fewest bits.
std::vector<std::string_view> recipe_names();

/// `type` if its blocks divide `columns`; else the nearest type of at least as many bits whose
/// blocks of 32 do (Q2_K, Q3_K, TQ2_0 -> Q4_0; Q4_K -> Q5_0; Q5_K -> Q5_1; Q6_K -> Q8_0); else F16.
DType fallback_type(DType type, int64_t columns);

}  // namespace verge::fit
