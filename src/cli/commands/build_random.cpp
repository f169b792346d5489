#include <filesystem>
#include <memory>

#include <nlohmann/json.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/stages/build/random_model/random_model.hpp>
#include <verge/stages/fit/quantize/recipe.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  std::string shape;
  std::string out;
  std::string recipe = "f16";
  uint64_t seed = 1;
  ThreadOptions threads;
};

/// The recipe's type of every matrix, where its blocks fit.
void apply_recipe(build::RandomModelSpec& spec, const fit::Recipe& recipe) {
  const fit::ModelFacts facts = {.layers = spec.layers,
                                 .heads_per_kv_head = spec.heads / spec.kv_heads,
                                 .experts = spec.experts,
                                 .tied_output = spec.tied_head};
  spec.dtype = [recipe, facts](std::string_view tensor, const Shape& shape) {
    return recipe.type_of(tensor, shape, facts).type;
  };
}

Status execute(const Options& options, Context& context) {
  VERGE_TRY(build::RandomModelSpec spec, build::random_model_spec(options.shape));
  VERGE_TRY(const fit::Recipe recipe, fit::make_recipe(options.recipe));
  VERGE_TRY(const auto pool, options.threads.make_pool());
  spec.seed = options.seed;
  apply_recipe(spec, recipe);
  VERGE_RETURN_IF_ERROR(build::write_random_model(spec, options.out, *pool));
  const uintmax_t bytes = std::filesystem::file_size(options.out);
  if (context.json) {
    print_json_line({{"file", options.out},
                     {"shape", options.shape},
                     {"parameters", build::parameter_count(spec)},
                     {"bytes", bytes}},
                    context.out);
    return {};
  }
  context.out << fmt::format("{}: {}, {:.1f} M parameters, {:.1f} MB\n", options.out, options.shape,
                             static_cast<double>(build::parameter_count(spec)) * 1e-6,
                             static_cast<double>(bytes) * 1e-6);
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  parser
      .add_option("SHAPE", options->shape,
                  "A model's shape: tiny-llama, qwen2.5-0.5b, llama-7b, ...")
      .required();
  parser.add_option("OUT", options->out, "The GGUF file to write").required();
  parser.add_option("--recipe", options->recipe, "Types of the matrices: F16, Q8_0, Q4_K_M, ...");
  parser.add_option("--seed", options->seed, "The same seed gives the same file");
  options->threads.declare(parser);
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command build_random() {
  return {"build random", "Build", "Write a model with random weights, for benchmarks and tests",
          "  verge build random qwen2.5-0.5b random.gguf --recipe Q4_0", declare};
}

}  // namespace verge::cli::commands
