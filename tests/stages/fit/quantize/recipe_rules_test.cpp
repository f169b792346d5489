#include <algorithm>

#include <gtest/gtest.h>

#include <verge/engine/quant/quantize.hpp>
#include <verge/stages/fit/quantize/recipe_rules.hpp>

namespace verge::fit {
namespace {

TEST(RecipeRules, NamesAreUniqueAndTypesWritable) {
  for (const RecipeRules& recipe : all_recipes()) {
    EXPECT_EQ(std::ranges::count(all_recipes(), recipe.name, &RecipeRules::name), 1);
    EXPECT_TRUE(quant::can_quantize(recipe.base)) << recipe.name;
    for (const Rule& rule : recipe.rules) EXPECT_TRUE(quant::can_quantize(rule.type));
  }
}

TEST(RecipeRules, ExceptionsNeverCostBits) {
  for (const RecipeRules& recipe : all_recipes()) {
    for (const Rule& rule : recipe.rules) {
      EXPECT_GT(bytes_of(rule.type, 256), bytes_of(recipe.base, 256)) << recipe.name;
    }
  }
}

}  // namespace
}  // namespace verge::fit
