#include <ostream>

#include <nlohmann/json.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/delta_report.hpp>
#include <verge/cli/governor_options.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/progress.hpp>
#include <verge/cli/reference_warning.hpp>
#include <verge/core/clock.hpp>
#include <verge/core/machine.hpp>
#include <verge/core/units.hpp>
#include <verge/stages/fit/tune/tune.hpp>

namespace verge::cli::commands {
namespace {

using nlohmann::ordered_json;

struct Options {
  fit::TuneOptions tune;
  GovernorOptions governor;
  ThreadOptions threads;
};

ordered_json share(const fit::TuneResult& r, const fit::HeldOut& measured) {
  return r.has_accuracy ? ordered_json(measured.accuracy) : ordered_json();
}

void print_json(const fit::TuneResult& r, const Options& options, std::ostream& out) {
  print_json_line({{"finished", r.finished},
                   {"steps", r.steps},
                   {"parameters", r.parameters},
                   {"loss", r.is_squared_error ? "mse" : "ce"},
                   {"loss_before", r.before.loss},
                   {"loss_after", r.after.loss},
                   {"accuracy_before", share(r, r.before)},
                   {"accuracy_after", share(r, r.after)},
                   {"first_loss", r.first_loss},
                   {"last_loss", r.last_loss},
                   {"seconds", r.seconds},
                   {"step_ms", r.step_ms},
                   {"samples_per_s", r.samples_per_s},
                   {"unit", r.unit},
                   {"planned_bytes", r.memory.total()},
                   {"arena_bytes", r.memory.arena_bytes},
                   {"state_bytes", r.memory.state_bytes},
                   {"parameter_bytes", r.memory.parameter_bytes},
                   {"io_bytes", r.memory.io_bytes},
                   {"packed_bytes", r.memory.packed_bytes},
                   {"frozen_bytes", r.memory.frozen_bytes},
                   {"evaluation_bytes", r.evaluation_bytes},
                   {"peak_rss_bytes", peak_rss_bytes()},
                   {"delta_bytes", r.delta.bytes},
                   {"delta", size_json(r.delta)},
                   {"reference_nodes", r.reference_nodes},
                   {"seed", options.tune.seed},
                   {"output", options.tune.output}},
                  out);
}

void print_text(const fit::TuneResult& r, const Options& options, std::ostream& out) {
  out << fmt::format("held out    {} {:.4f} > {:.4f}", r.is_squared_error ? "mse" : "loss",
                     r.before.loss, r.after.loss);
  if (r.has_accuracy) {
    out << fmt::format(", {:.2f} % > {:.2f} % right", 100 * r.before.accuracy,
                       100 * r.after.accuracy);
  }
  out << fmt::format("\ntraining    loss {:.4f} > {:.4f} in {} steps, {:.1f} s, {:.0f} {}/s\n",
                     r.first_loss, r.last_loss, r.steps, r.seconds, r.samples_per_s, r.unit);
  out << fmt::format(
      "memory      {} planned for a step of {} updated parameters, {} to evaluate; process at "
      "most {}\n",
      show_bytes(r.memory.total()), show_count(r.parameters), show_bytes(r.evaluation_bytes),
      show_bytes(peak_rss_bytes()));
  if (!r.finished) {
    out << "stopped; run the same command again to go on\n";
    return;
  }
  if (!options.tune.output.empty()) out << "wrote " << options.tune.output << "\n";
  if (!options.tune.delta.empty()) {
    out << fmt::format("wrote {}, {}: {}\n", options.tune.delta,
                       show_bytes(static_cast<int64_t>(r.delta.file_bytes)), show_size(r.delta));
  }
}

Status execute(Options& options, Context& context) {
  VERGE_TRY(const auto pool, options.threads.make_pool());
  const SystemClock clock;
  VERGE_TRY(options.tune.governor, options.governor.governor());
  if (options.tune.governor) options.tune.telemetry = machine_telemetry(clock);
  Progress progress(context, clock);
  const auto show = [&](const fit::TuneProgress& now) {
    progress.show(fmt::format("step {}/{} | loss {:.3f} | {:.0f} {}/s | {:.0f} s left", now.step,
                              now.steps, now.loss, now.samples_per_s, now.unit, now.remaining_s));
  };
  VERGE_TRY(const fit::TuneResult result,
            fit::tune(options.tune, *pool, clock, show, &catch_interrupts()));
  progress.clear();
  warn_of_reference(result.reference_nodes, context);
  if (context.json) {
    print_json(result, options, context.out);
  } else {
    print_text(result, options, context.out);
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  fit::TuneOptions& tune = options->tune;
  parser.add_option("--plan", tune.plan, "A plan of `verge compile --train`").required();
  parser
      .add_option(
          "--data", tune.data.paths,
          "A folder of images as `train image` takes, a CSV file of them, text files, or of "
          "an ONNX network a folder of arrays: INPUT.npy for each input, and labels.npy or "
          "target.npy")
      .repeated()
      .required();
  parser
      .add_option("--eval", tune.data.evaluation,
                  "Arrays as of --data to measure on, instead of a share of those")
      .repeated();
  parser.add_option("--model", tune.model, "The model, where it has moved since it was compiled");
  parser.add_option("-o,--out", tune.output,
                    "The tuned model to write, or the adapter of a lora plan");
  parser.add_option(
      "--delta", tune.delta,
      "What changed alone, a file to write: `verge model apply` makes the model of it");
  parser.add_flag("--new-head", tune.has_new_head,
                  "Begin the last layer anew, for classes that it never saw");
  const auto add = [&](const char* name, auto& value, const char* text) {
    return parser.add_option(name, value, text).group("Training");
  };
  add("--epochs", tune.epochs, "Passes over the data");
  add("--steps", tune.steps, "Optimizer steps in all, instead of --epochs").not_negative();
  add("--lr", tune.learning_rate, "Peak learning rate (1e-3, of sgd 1e-2)");
  add("--images", tune.data.training_images,
      "Learn from the first so many alone that are not held out")
      .not_negative();
  add("--held-out", tune.data.held_out,
      "Share of a text or of arrays that is measured on, not learned");
  add("--seed", tune.seed, "Of order, held-out arrays, new head and low-rank factors");
  add("--checkpoint", tune.checkpoint, "File to save to and to go on from (beside the output)");
  add("--checkpoint-every", tune.checkpoint_every, "Steps between saves").positive();
  options->governor.declare(parser);
  options->threads.declare(parser);
  return [options, &context] {
    options->tune.command = context.command_line;
    return execute(*options, context);
  };
}

}  // namespace

Command fit_tune() {
  return {"fit tune", "Models", "Fine-tune a model by a training plan, within its memory",
          "  verge compile digits.safetensors --train --scheme bias --batch 8 -o digits.vplan\n"
          "  verge fit tune --plan digits.vplan --data optdigits.csv -o mine.safetensors\n"
          "  verge compile bert.onnx --train --shape input_ids=8x64 --scheme pockengine-bert -o "
          "bert.vplan\n"
          "  verge fit tune --plan bert.vplan --data reviews/ -o mine.onnx\n"
          "  verge fit tune --plan digits.vplan --data optdigits.csv --delta mine.vdelta\n"
          "  verge compile model.gguf --train --scheme lora:8 --optimizer adamw -o model.vplan\n"
          "  verge fit tune --plan model.vplan --data mine.txt --steps 200 -o mine.gguf\n"
          "  verge run model.gguf --lora mine.gguf -p \"O Romeo\"",
          declare};
}

}  // namespace verge::cli::commands
