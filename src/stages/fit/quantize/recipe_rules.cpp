#include <verge/stages/fit/quantize/recipe_rules.hpp>

namespace verge::fit {
namespace {

constexpr Rule kQ2K[] = {
    {Role::AttentionValue, Where::SharedKeys, DType::Q4_K},
    {Role::AttentionValue, Where::Everywhere, DType::Q3_K},
    {Role::AttentionOutput, Where::Everywhere, DType::Q3_K},
    {Role::FfnDown, Where::Everywhere, DType::Q3_K},
};
constexpr Rule kQ3KM[] = {
    {Role::AttentionValue, Where::FirstTwo, DType::Q5_K},
    {Role::AttentionValue, Where::Everywhere, DType::Q4_K},
    {Role::AttentionOutput, Where::Everywhere, DType::Q4_K},
    {Role::AttentionFused, Where::Everywhere, DType::Q4_K},
    {Role::FfnDown, Where::FirstSixteenth, DType::Q5_K},
    {Role::FfnDown, Where::Everywhere, DType::Q4_K},
};
constexpr Rule kQ3KL[] = {
    {Role::AttentionValue, Where::Everywhere, DType::Q5_K},
    {Role::AttentionOutput, Where::Everywhere, DType::Q5_K},
    {Role::AttentionFused, Where::Everywhere, DType::Q4_K},
    {Role::FfnDown, Where::Everywhere, DType::Q5_K},
};
constexpr Rule kQ4KS[] = {
    {Role::AttentionValue, Where::FirstFour, DType::Q5_K},
    {Role::FfnDown, Where::FirstEighth, DType::Q5_K},
};
constexpr Rule kQ4KM[] = {
    {Role::AttentionValue, Where::EdgesAndThirds, DType::Q6_K},
    {Role::AttentionFused, Where::Everywhere, DType::Q5_K},
    {Role::FfnDown, Where::EdgesAndThirds, DType::Q6_K},
};
constexpr Rule kQ5KM[] = {
    {Role::AttentionValue, Where::EdgesAndThirds, DType::Q6_K},
    {Role::AttentionFused, Where::Everywhere, DType::Q6_K},
    {Role::FfnDown, Where::EdgesAndThirds, DType::Q6_K},
};

constexpr RecipeRules kRecipes[] = {
    {"F32", DType::F32, {}},        {"F16", DType::F16, {}},        {"BF16", DType::BF16, {}},
    {"Q8_0", DType::Q8_0, {}},      {"Q6_K", DType::Q6_K, {}},      {"Q5_1", DType::Q5_1, {}},
    {"Q5_K_M", DType::Q5_K, kQ5KM}, {"Q5_K_S", DType::Q5_K, {}},    {"Q5_0", DType::Q5_0, {}},
    {"Q4_1", DType::Q4_1, {}},      {"Q4_K_M", DType::Q4_K, kQ4KM}, {"Q4_K_S", DType::Q4_K, kQ4KS},
    {"Q4_0", DType::Q4_0, {}},      {"IQ4_NL", DType::IQ4_NL, {}},  {"Q3_K_L", DType::Q3_K, kQ3KL},
    {"Q3_K_M", DType::Q3_K, kQ3KM}, {"Q3_K_S", DType::Q3_K, {}},    {"Q2_K", DType::Q2_K, kQ2K},
};

}  // namespace

std::span<const RecipeRules> all_recipes() {
  return kRecipes;
}

}  // namespace verge::fit
