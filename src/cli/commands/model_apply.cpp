#include <ostream>

#include <verge/cli/command.hpp>
#include <verge/cli/delta_report.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/core/clock.hpp>
#include <verge/engine/model/model_delta.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  std::string base, delta, out;
};

Status execute(const Options& options, Context& context) {
  const SystemClock clock;
  VERGE_TRY(const std::string base, model_path(options.base));
  VERGE_RETURN_IF_ERROR(expect_other_file(base, options.out));
  VERGE_RETURN_IF_ERROR(expect_other_file(options.delta, options.out));
  Progress progress(context, clock);
  VERGE_TRY(
      const runtime::DeltaSize size,
      model::apply_delta_to_file(base, options.delta, options.out, delta_watch(progress, clock)));
  progress.clear();
  if (context.json) {
    Json json = {{"base", options.base}, {"delta", options.delta}, {"file", options.out}};
    json.update(size_json(size));
    print_json_line(json, context.out);
  } else {
    context.out << fmt::format("wrote {}: {}\n", options.out, show_size(size));
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  parser.add_option("BASE", options->base, "The file that the delta was made against, or its name")
      .required();
  parser
      .add_option("DELTA", options->delta,
                  "A delta by `verge model diff` or `verge fit tune --delta`")
      .required();
  parser.add_option("-o,--out", options->out, "The tuned model to write").required();
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command model_apply() {
  return {"model apply", "Everyday", "Make the tuned model of its base and a delta",
          "  verge model apply digits.safetensors mine.vdelta -o mine.safetensors\n"
          "  verge model apply qwen qwen-law.vdelta -o qwen-law.gguf",
          declare};
}

}  // namespace verge::cli::commands
