#include <nlohmann/json.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/network_options.hpp>
#include <verge/cli/network_quantize.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/progress.hpp>
#include <verge/core/clock.hpp>
#include <verge/stages/fit/quantize/quantize_model.hpp>

namespace verge::cli::commands {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::string in;
  std::string out;
  std::string recipe;
  std::vector<std::string> overrides;
  ThreadOptions threads;
  NetworkQuantizeOptions network;

  std::string command() const {
    std::string line = fmt::format("verge quantize {} {} {}", in, out, recipe);
    for (const std::string& rule : overrides) line += fmt::format(" --tensor-type '{}'", rule);
    return line;
  }
};

std::string recipes() {
  return fmt::format("{}", fmt::join(fit::recipe_names(), ", "));
}

std::string progress_line(const fit::QuantizeProgress& progress) {
  return progress_bar(static_cast<double>(progress.done_values),
                      static_cast<double>(progress.all_values), progress.seconds, 1e-6,
                      "M values/s") +
         std::string(progress.tensor);
}

void print_json(const Options& options, const fit::QuantizeReport& report, std::ostream& out) {
  ordered_json tensors = ordered_json::array();
  for (const auto& tensor : report.tensors) {
    tensors.push_back({{"name", tensor.name},
                       {"shape", tensor.shape.extents()},
                       {"source_type", tensor.source_type},
                       {"requested_type", name(tensor.choice.requested)},
                       {"type", name(tensor.choice.type)},
                       {"bytes", tensor.bytes},
                       {"rmse", tensor.error.rmse},
                       {"max_abs_error", tensor.error.max_abs},
                       {"relative_error", tensor.error.relative}});
  }
  const ordered_json json = {{"file", options.out},
                             {"recipe", options.recipe},
                             {"source_bytes", report.source_bytes},
                             {"bytes", report.bytes},
                             {"rmse", report.rmse},
                             {"relative_error", report.relative},
                             {"seconds", report.seconds},
                             {"requantized", report.requantized},
                             {"tensors", tensors}};
  print_json_line(json, out);
}

void print_text(const Options& options, const fit::QuantizeReport& report, std::ostream& out) {
  out << fmt::format("{:<32} {:<16} {:>7} {:>9} {:>7} {:>10} {:>10} {:>9}\n", "tensor", "shape",
                     "source", "requested", "type", "KiB", "rmse", "relative");
  int fell_back = 0;
  for (const auto& tensor : report.tensors) {
    out << fmt::format("{:<32} {:<16} {:>7} {:>9} {:>7} {:>10.1f} {:>10.3g} {:>8.3f}%{}\n",
                       tensor.name, tensor.shape.str(), tensor.source_type,
                       name(tensor.choice.requested), name(tensor.choice.type),
                       static_cast<double>(tensor.bytes) / 1024, tensor.error.rmse,
                       100 * tensor.error.relative, tensor.choice.fell_back() ? "  fall-back" : "");
    fell_back += tensor.choice.fell_back() ? 1 : 0;
  }
  out << fmt::format("{}: {:.1f} MiB of {:.1f}, rmse {:.3g}, relative error {:.3f}%, {:.1f} s\n",
                     options.out, static_cast<double>(report.bytes) / (1 << 20),
                     static_cast<double>(report.source_bytes) / (1 << 20), report.rmse,
                     100 * report.relative, report.seconds);
  if (fell_back > 0) {
    out << fmt::format(
        "{} tensors have columns that the requested blocks do not divide; they took "
        "another type\n",
        fell_back);
  }
}

Status execute_network(const Options& options, Context& context) {
  if (!options.recipe.empty() || !options.overrides.empty()) {
    return make_error(Code::InvalidArgument,
                      "{}: an ONNX network has no RECIPE and no --tensor-type; see --calibrate",
                      options.in);
  }
  NetworkQuantizeOptions network = options.network;
  network.in = options.in;
  network.out = options.out;
  return quantize_network(network, options.threads, context);
}

Status execute(const Options& options, Context& context) {
  if (is_network(options.in)) return execute_network(options, context);
  if (options.recipe.empty()) {
    return make_error(Code::InvalidArgument, "RECIPE is missing; choose one of {}", recipes());
  }
  if (const std::string given = options.network.given(); !given.empty()) {
    return make_error(Code::InvalidArgument, "{} is of ONNX networks, not of {}", given,
                      options.in);
  }
  VERGE_TRY(fit::Recipe recipe, fit::make_recipe(options.recipe));
  for (const std::string& rule : options.overrides) {
    VERGE_RETURN_IF_ERROR(recipe.add_override(rule));
  }
  VERGE_TRY(const auto pool, options.threads.make_pool());
  VERGE_TRY(const std::string path, model_path(options.in));
  VERGE_RETURN_IF_ERROR(expect_other_file(path, options.out));
  VERGE_TRY(const auto source, format::ModelSource::open(path));
  fit::QuantizeOptions job{"verge " VERGE_VERSION, options.command(), {}};
  const SystemClock clock;
  Progress progress(context, clock);
  job.cancel = &catch_interrupts();
  job.on_progress = [&](const auto& now) { progress.show(progress_line(now)); };
  VERGE_TRY(const fit::QuantizeReport report,
            fit::quantize_model(source, recipe, options.out, job, *pool, clock));
  progress.clear();
  if (report.requantized && !context.quiet) {
    context.err
        << "the source is quantized already, so its errors are in the result; an F16 or F32 "
           "source gives a better file\n";
  }
  if (context.json) {
    print_json(options, report, context.out);
  } else {
    print_text(options, report, context.out);
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  parser.add_option("MODEL", options->in, kModelHelp).required();
  parser.add_option("OUT", options->out, "The file to write: GGUF, or ONNX of an ONNX network")
      .required();
  parser.add_option("RECIPE", options->recipe, "Of a language model: one of " + recipes());
  parser
      .add_option("--tensor-type", options->overrides,
                  "REGEX=TYPE: tensors whose name matches get this type; may be repeated, the last "
                  "match wins")
      .repeated();
  options->network.declare(parser);
  options->threads.declare(parser);
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command quantize() {
  return {"quantize", "Models", "Write a model with fewer bits a weight",
          "  verge quantize f16.gguf small.gguf Q4_K_M\n"
          "  verge quantize folder/ small.gguf Q4_0 --tensor-type 'ffn_down=Q6_K'\n"
          "  verge quantize net.onnx int8.onnx --calibrate photos/ --method percentile",
          declare};
}

}  // namespace verge::cli::commands
