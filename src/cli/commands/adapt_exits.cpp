#include <nlohmann/json.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/progress.hpp>
#include <verge/cli/reference_warning.hpp>
#include <verge/core/clock.hpp>
#include <verge/stages/adapt/exits/adapt_exits.hpp>

namespace verge::cli::commands {
namespace {

using nlohmann::ordered_json;

struct Options {
  adapt::AdaptExitsOptions adapt;
  ThreadOptions threads;
  std::string mode = "tune";
  std::string type;
  std::string precision = "f32";
};

ordered_json to_json(const std::vector<adapt::ExitQuality>& exits) {
  ordered_json list = ordered_json::array();
  for (const adapt::ExitQuality& exit : exits) {
    list.push_back({{"after", exit.after},
                    {"loss", exit.loss},
                    {"agreement", exit.agreement},
                    {"calibration_error", exit.calibration.error_before},
                    {"temperature", exit.calibration.temperature}});
  }
  return list;
}

void print_json(const adapt::AdaptExitsResult& r, const Options& options, std::ostream& out) {
  const ordered_json json = {{"mode", options.mode},
                             {"parameters", r.parameters},
                             {"steps", r.steps},
                             {"seconds", r.seconds},
                             {"finished", r.finished},
                             {"positions", r.positions},
                             {"before", to_json(r.before)},
                             {"after", to_json(r.after)},
                             {"loss_before", r.loss_before},
                             {"loss_after", r.loss_after},
                             {"reference_nodes", r.reference_nodes},
                             {"output", options.adapt.output}};
  print_json_line(json, out);
}

void print_text(const adapt::AdaptExitsResult& r, const Options& options, std::ostream& out) {
  out << fmt::format("{} parameters learned in {} steps, {:.0f} s; on {} held-out tokens:\n",
                     r.parameters, r.steps, r.seconds, r.positions);
  out << fmt::format("{:<16} {:>14} {:>18} {:>20}\n", "head after", "loss", "agrees with last",
                     "calibration error");
  const auto change = [](double before, double after, const char* unit) {
    return fmt::format("{:.3f} > {:.3f}{}", before, after, unit);
  };
  for (size_t i = 0; i < r.after.size(); ++i) {
    const adapt::ExitQuality &before = r.before[i], &after = r.after[i];
    out << fmt::format(
        "{:<16} {:>14} {:>18} {:>20}\n", fmt::format("{} layers", after.after),
        change(before.loss, after.loss, ""),
        fmt::format("{:.1f} > {:.1f} %", 100 * before.agreement, 100 * after.agreement),
        change(before.calibration.error_before, after.calibration.error_before, ""));
  }
  if (r.finished) {
    out << fmt::format("{:<16} {:>14}\n", "all", change(r.loss_before, r.loss_after, ""));
    out << "wrote " << options.adapt.output << "\n";
  } else {
    out << "stopped; run the same command again to go on from " << options.adapt.checkpoint << "\n";
  }
}

Status execute(Options& options, Context& context) {
  adapt::AdaptExitsOptions& adapt = options.adapt;
  if (!options.type.empty()) {
    adapt.type = dtype_from_name(options.type);
    if (!adapt.type) {
      return make_error(Code::InvalidArgument,
                        "--type {}: give f32, f16, q8_0 or another GGUF type", options.type);
    }
  }
  adapt.mode = options.mode == "joint" ? adapt::ExitMode::Joint : adapt::ExitMode::Tune;
  adapt.bf16 = options.precision == "bf16";
  VERGE_TRY(adapt.model, model_path(adapt.model));
  VERGE_TRY(const auto pool, options.threads.make_pool());
  const SystemClock clock;
  Progress progress(context, clock);
  const auto show = [&](const runtime::LoopProgress& now) {
    progress.show(fmt::format("step {}/{} | loss {:.3f} | {:.0f} s left", now.step, now.steps,
                              now.loss, now.remaining_s));
  };
  VERGE_TRY(const adapt::AdaptExitsResult result,
            adapt::adapt_exits(adapt, *pool, clock, show, &catch_interrupts()));
  progress.clear();
  warn_of_reference(result.reference_nodes, context);
  if (context.json) {
    print_json(result, options, context.out);
  } else {
    print_text(result, options, context.out);
  }
  return {};
}

void declare_training(Parser& parser, Options& options) {
  adapt::AdaptExitsOptions& adapt = options.adapt;
  const auto add = [&](const char* name, auto& value, const char* text) {
    return parser.add_option(name, value, text).group("Training");
  };
  add("--steps", adapt.schedule.steps, "Optimizer steps in all");
  add("--lr", adapt.schedule.peak, "Peak learning rate");
  add("--warmup", adapt.schedule.warmup, "Steps of linear warm-up");
  add("--batch", adapt.batch, "Windows of text in a step");
  add("--context", adapt.context, "Tokens of a window");
  add("--held-out", adapt.held_out, "Share of the text that is measured on, not learned");
  add("--seed", adapt.seed, "Of the batches");
  add("--precision", options.precision, "Of matrix products in training").one_of({"f32", "bf16"});
  add("--checkpoint", adapt.checkpoint, "File to save to and to continue from");
  add("--checkpoint-every", adapt.checkpoint_every, "Steps between saves").positive();
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  adapt::AdaptExitsOptions& adapt = options->adapt;
  parser.add_option("MODEL", adapt.model, kModelHelp).required();
  parser.add_option("-o,--out", adapt.output, "GGUF file to write").required();
  parser.add_option("--layers", adapt.layers, "Layers before each head, as 8,16")
      .separated_by(',')
      .required();
  parser.add_option("--data", adapt.data, "A text file to learn from; the end is held out")
      .repeated()
      .required();
  parser
      .add_option("--mode", options->mode,
                  "tune: the heads alone learn; joint: all weights, with the heads' losses added")
      .one_of({"tune", "joint"});
  parser.add_flag("--untied", adapt.is_untied,
                  "Heads with output matrices of their own: better, but for Verge alone");
  parser.add_option("--distil", adapt.distil,
                    "tune: weight of the divergence from what the whole model says");
  parser
      .add_option("--exit-weights", adapt.exit_weights,
                  "joint: weights of the heads' losses (0.1,0.2,...)")
      .separated_by(',');
  parser.add_option("--type", options->type, "Type of trained matrices (the model's own)");
  declare_training(parser, *options);
  options->threads.declare(parser);
  return [options, &context] {
    options->adapt.command = context.command_line;
    return execute(*options, context);
  };
}

}  // namespace

Command adapt_exits() {
  return {"adapt exits", "Models", "Give a model early-exit heads",
          "  verge adapt exits base.gguf --layers 8,16 --data book.txt --untied -o exits.gguf\n"
          "  verge adapt exits base.gguf --layers 2,4 --mode joint --data book.txt -o exits.gguf",
          declare};
}

}  // namespace verge::cli::commands
