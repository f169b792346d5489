#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include <fmt/ranges.h>

#include <verge/engine/quant/quantize.hpp>
#include <verge/stages/fit/quantize/recipe.hpp>
#include <verge/stages/fit/quantize/recipe_rules.hpp>

namespace verge::fit {
namespace {

// std::regex recurses once a character; names beyond this are no model's.
constexpr size_t kLongestName = 1024;

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::toupper(static_cast<unsigned char>(x)) ==
           std::toupper(static_cast<unsigned char>(y));
  });
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

Role role_of(std::string_view tensor, bool tied_output) {
  const bool is_exit = tensor.starts_with("exit.") && tensor.ends_with(".output.weight");
  if (tensor == "output.weight" || is_exit) return Role::Output;
  if (tensor == "token_embd.weight") return tied_output ? Role::Output : Role::Other;
  constexpr std::pair<std::string_view, Role> kParts[] = {
      {"ffn_gate_inp", Role::KeepF32},
      {"position_embd", Role::KeepF32},
      {"token_types", Role::KeepF32},
      {"attn_rel_b", Role::KeepF32},
      {"_norm", Role::KeepF32},
      {"attn_v.", Role::AttentionValue},
      {"attn_k.", Role::AttentionKey},
      {"attn_qkv.", Role::AttentionFused},
      {"attn_output.", Role::AttentionOutput},
      {"ffn_down", Role::FfnDown},
  };
  for (const auto& [part, role] : kParts) {
    if (contains(tensor, part)) return role;
  }
  return tensor.ends_with("weight") ? Role::Other : Role::KeepF32;
}

/// The number in "blk.7.attn_v.weight"; 0 where there is none.
int layer_of(std::string_view tensor) {
  constexpr std::string_view kPrefix = "blk.";
  int layer = 0;
  if (tensor.starts_with(kPrefix)) {
    std::from_chars(tensor.data() + kPrefix.size(), tensor.data() + tensor.size(), layer);
  }
  return layer;
}

bool holds(Where where, int layer, const ModelFacts& model) {
  const int eighth = model.layers / 8;
  switch (where) {
    case Where::Everywhere:
      return true;
    case Where::FirstTwo:
      return layer < 2;
    case Where::FirstFour:
      return layer < 4;
    case Where::FirstSixteenth:
      return layer < model.layers / 16;
    case Where::FirstEighth:
      return layer < eighth;
    case Where::EdgesAndThirds:
      return layer < eighth || layer >= 7 * model.layers / 8 || (layer - eighth) % 3 == 2;
    case Where::SharedKeys:
      return model.heads_per_kv_head >= 4;
  }
  return false;
}

double bits_per_value(DType type) {
  return 8.0 * info(type).block_bytes / info(type).block_size;
}

/// Attention is a small part of an 8-expert model, so its bits are cheap there.
DType expert_type(Role role, DType base, DType otherwise) {
  if (role == Role::AttentionKey || role == Role::AttentionValue) return DType::Q8_0;
  if (role == Role::AttentionOutput && bits_per_value(base) <= 4.5) return DType::Q5_K;
  return otherwise;
}

DType recipe_type(const RecipeRules& recipe, Role role, int layer, const ModelFacts& model) {
  if (!is_quantized(recipe.base)) return recipe.base;
  if (role == Role::Output) return recipe.base == DType::Q8_0 ? DType::Q8_0 : DType::Q6_K;
  DType type = recipe.base;
  for (const Rule& rule : recipe.rules) {
    if (rule.role != role || !holds(rule.where, layer, model)) continue;
    type = rule.type;
    break;
  }
  return model.experts == 8 ? expert_type(role, recipe.base, type) : type;
}

}  // namespace

std::string_view Recipe::name() const {
  return rules_->name;
}

Status Recipe::add_override(std::string_view rule) {
  const size_t equals = rule.rfind('=');
  if (equals == std::string_view::npos || equals == 0) {
    return make_error(Code::InvalidArgument, "tensor type \"{}\": write it as REGEX=TYPE", rule);
  }
  const std::string_view type_name = rule.substr(equals + 1);
  const auto type = dtype_from_name(type_name);
  if (!type || !quant::can_quantize(*type)) {
    return make_error(Code::InvalidArgument,
                      "tensor type \"{}\": {} is no type that can be written", rule, type_name);
  }
  try {
    overrides_.push_back({std::regex(std::string(rule.substr(0, equals))), *type});
  } catch (const std::regex_error& error) {
    return make_error(Code::InvalidArgument, "tensor type \"{}\": bad expression: {}", rule,
                      error.what());
  }
  return {};
}

DType Recipe::requested_type(std::string_view tensor, const Shape& shape,
                             const ModelFacts& model) const {
  if (shape.rank() < 2) return DType::F32;
  if (tensor.size() <= kLongestName) {
    for (auto it = overrides_.rbegin(); it != overrides_.rend(); ++it) {
      if (std::regex_search(tensor.begin(), tensor.end(), it->pattern)) return it->type;
    }
  }
  const Role role = role_of(tensor, model.tied_output);
  if (role == Role::KeepF32) return DType::F32;
  return recipe_type(*rules_, role, layer_of(tensor), model);
}

TypeChoice Recipe::type_of(std::string_view tensor, const Shape& shape,
                           const ModelFacts& model) const {
  const DType requested = requested_type(tensor, shape, model);
  const int64_t columns = shape.rank() > 0 ? shape.back() : 1;
  return {requested, fallback_type(requested, columns)};
}

Result<Recipe> make_recipe(std::string_view name) {
  for (const RecipeRules& rules : all_recipes()) {
    if (same_letters(rules.name, name)) return Recipe(rules);
  }
  return make_error(Code::NotFound, "no recipe \"{}\"; choose one of {}", name,
                    fmt::join(recipe_names(), ", "));
}

std::vector<std::string_view> recipe_names() {
  std::vector<std::string_view> names;
  for (const RecipeRules& rules : all_recipes()) names.push_back(rules.name);
  return names;
}

DType fallback_type(DType type, int64_t columns) {
  if (columns % info(type).block_size == 0) return type;
  if (columns % 32 != 0) return DType::F16;
  switch (type) {
    case DType::Q4_K:
      return DType::Q5_0;
    case DType::Q5_K:
      return DType::Q5_1;
    case DType::Q6_K:
    case DType::Q8_K:
      return DType::Q8_0;
    default:
      return DType::Q4_0;
  }
}

}  // namespace verge::fit
