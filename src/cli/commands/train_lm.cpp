#include <iostream>

#include <nlohmann/json.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/optimizer_options.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/profile_table.hpp>
#include <verge/cli/progress.hpp>
#include <verge/cli/reference_warning.hpp>
#include <verge/core/clock.hpp>
#include <verge/core/file.hpp>
#include <verge/core/line_plot.hpp>
#include <verge/core/machine.hpp>
#include <verge/stages/build/train_lm/train_lm.hpp>

namespace verge::cli::commands {
namespace {

using nlohmann::ordered_json;

struct Options {
  build::TrainLmOptions train;
  ThreadOptions threads;
  OptimizerOptions optimizer;
  std::string type = "q8_0";
  std::string precision = "bf16";
  std::string plot;
};

void show(const build::TrainingProgress& p, Context& context, Progress& progress) {
  if (context.json) {
    print_json_line({{"step", p.step},
                     {"loss", p.loss},
                     {"held_out_loss", p.held_out_loss},
                     {"learning_rate", p.learning_rate},
                     {"tokens_per_s", p.tokens_per_s},
                     {"step_ms", p.step_ms},
                     {"remaining_s", p.remaining_s}},
                    context.out);
  } else {
    progress.show(
        fmt::format("step {}/{} | loss {:.3f} | held-out {:.3f} | {:.0f} tokens/s | {:.0f} s left",
                    p.step, p.steps, p.loss, p.held_out_loss, p.tokens_per_s, p.remaining_s));
  }
}

Status write_plot(const build::TrainLmResult& result, const std::string& path) {
  PlotSeries training{"training", {}}, held_out{"held-out", {}};
  for (const auto& entry : result.history) {
    training.points.emplace_back(entry.step, entry.loss);
    if (entry.held_out_loss > 0) held_out.points.emplace_back(entry.step, entry.held_out_loss);
  }
  return write_whole_file(
      path, to_svg({"Loss", "step", "nats per token", {std::move(training), std::move(held_out)}}));
}

void print(const build::TrainLmResult& r, const Options& options, Context& context) {
  if (context.json) {
    ordered_json result = {{"parameters", r.parameters},
                           {"steps", r.steps},
                           {"finished", r.finished},
                           {"held_out_loss", r.held_out_loss},
                           {"bits_per_byte", r.bits_per_byte},
                           {"seconds", r.seconds},
                           {"tokens_per_s", r.tokens_per_s},
                           {"step_ms", r.step_ms},
                           {"arena_bytes", r.arena_bytes},
                           {"peak_rss_bytes", peak_rss_bytes()},
                           {"reference_nodes", r.reference_nodes},
                           {"optimizer", graph::describe(options.train.optimizer)},
                           {"clip_price_bytes", r.clip_price_bytes},
                           {"output", options.train.output}};
    if (options.train.profile) result["profile"] = profile_json(r.profile);
    print_json_line(result, context.out);
    return;
  }
  context.out << fmt::format(
      "{:.1f} M parameters, {} steps in {:.0f} s ({:.0f} tokens/s), held-out loss {:.3f} nats per "
      "token = {:.3f} bits "
      "per byte\n",
      static_cast<double>(r.parameters) / 1e6, r.steps, r.seconds, r.tokens_per_s, r.held_out_loss,
      r.bits_per_byte);
  if (options.train.profile) print_profile("operator", r.profile, context.out);
  if (!r.finished) {
    context.out << "stopped; run the same command again to go on from " << options.train.checkpoint
                << "\n";
  } else if (!options.train.output.empty()) {
    context.out << "wrote " << options.train.output << "\n";
  }
}

Status execute(Options& options, Context& context) {
  const auto type = dtype_from_name(options.type);
  if (!type)
    return make_error(Code::InvalidArgument, "--type {}: give f32, f16, q8_0 or another GGUF type",
                      options.type);
  if (options.precision != "bf16" && options.precision != "f32") {
    return make_error(Code::InvalidArgument, "--precision {}: give bf16 or f32", options.precision);
  }
  options.train.type = *type;
  options.train.bf16 = options.precision == "bf16";
  VERGE_RETURN_IF_ERROR(options.optimizer.apply(options.train.optimizer));
  VERGE_TRY(const auto pool, options.threads.make_pool());
  const SystemClock clock;
  Progress progress(context, clock);
  VERGE_TRY(const build::TrainLmResult result,
            build::train_lm(
                options.train, *pool, clock,
                [&](const build::TrainingProgress& now) { show(now, context, progress); },
                &catch_interrupts()));
  progress.clear();
  warn_of_reference(result.reference_nodes, context);
  print_clip_price(options.train.optimizer, result.clip_price_bytes, context);
  print(result, options, context);
  if (options.plot.empty()) return {};
  return write_plot(result, options.plot);
}

void declare_model(Parser& parser, build::LmShape& shape) {
  const auto add = [&](const char* name, auto& value, const char* text) {
    parser.add_option(name, value, text).group("Model");
  };
  add("--d-model", shape.d_model, "Width");
  add("--layers", shape.layers, "Transformer blocks");
  add("--heads", shape.heads, "Attention heads");
  add("--kv-heads", shape.kv_heads, "Key-value heads");
  add("--ffn", shape.ffn_dim, "Width of the feed-forward layers");
  add("--context", shape.context, "Tokens of a training sequence");
  parser.add_option("--exits", shape.exit_layers, "Early-exit heads after these layers")
      .separated_by(',')
      .group("Model");
  parser
      .add_option("--exit-weights", shape.exit_weights,
                  "Weights of their losses, beside 1 for the last layer (0.3 each)")
      .separated_by(',')
      .group("Training");
}

void declare_training(Parser& parser, build::TrainLmOptions& train) {
  const auto add = [&](const char* name, auto& value, const char* text) {
    return parser.add_option(name, value, text).group("Training");
  };
  add("--vocabulary", train.corpus.vocabulary,
      "Tokens of the byte-level BPE, trained on the same text");
  add("--batch", train.batch, "Sequences of a step");
  add("--steps", train.schedule.steps, "Optimizer steps in all");
  add("--lr", train.schedule.peak, "Peak learning rate");
  add("--warmup", train.schedule.warmup, "Steps of linear warm-up");
  add("--seed", train.seed, "Of initial values and batches");
  add("--evaluate-every", train.evaluate_every, "Steps between held-out losses").positive();
  add("--checkpoint", train.checkpoint, "File to save to and to continue from");
  add("--checkpoint-every", train.checkpoint_every, "Steps between saves").positive();
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  parser
      .add_option("TEXT", options->train.corpus.files,
                  "Text files, read in order; the end is held out")
      .required();
  parser.add_option("-o,--out", options->train.output, "GGUF file to write");
  parser.add_option("--type", options->type, "Type of the matrices in that file");
  parser.add_option("--precision", options->precision,
                    "Of matrix products in training: bf16 or f32");
  parser.add_option("--plot", options->plot, "SVG picture of the losses to write");
  parser.add_flag("--profile", options->train.profile, "Add the time of all steps by operator");
  declare_model(parser, options->train.shape);
  declare_training(parser, options->train);
  options->optimizer.declare(parser, options->train.optimizer, options->train.accumulate);
  options->threads.declare(parser);
  return [options, &context] {
    options->train.command = context.command_line;
    return execute(*options, context);
  };
}

}  // namespace

Command train_lm() {
  return {
      "train lm", "Everyday", "Pre-train a small language model from text",
      "  verge train lm book.txt -o book.gguf --steps 2000 --checkpoint book.ckpt --plot loss.svg\n"
      "  verge train lm book.txt --layers 4 --d-model 128 --json > log.jsonl",
      declare};
}

}  // namespace verge::cli::commands
