#include <ostream>

#include <verge/cli/command.hpp>
#include <verge/cli/delta_report.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/core/clock.hpp>
#include <verge/core/units.hpp>
#include <verge/engine/model/model_delta.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  std::string base, tuned, out;
};

Status execute(const Options& options, Context& context) {
  const SystemClock clock;
  VERGE_TRY(const std::string base, model_path(options.base));
  VERGE_TRY(const std::string tuned, model_path(options.tuned));
  VERGE_RETURN_IF_ERROR(expect_other_file(base, options.out));
  VERGE_RETURN_IF_ERROR(expect_other_file(tuned, options.out));
  Progress progress(context, clock);
  VERGE_TRY(const runtime::DeltaSize size,
            model::diff_models(base, tuned, options.out, delta_watch(progress, clock)));
  progress.clear();
  if (context.json) {
    Json json = {{"base", options.base}, {"tuned", options.tuned}, {"file", options.out}};
    json.update(size_json(size));
    print_json_line(json, context.out);
  } else {
    context.out << fmt::format("wrote {}, {}: {}\n", options.out,
                               show_bytes(static_cast<int64_t>(size.file_bytes)), show_size(size));
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  parser.add_option("BASE", options->base, "A GGUF, safetensors or ONNX file, or a stored model")
      .required();
  parser.add_option("TUNED", options->tuned, "The same model after more training").required();
  parser.add_option("-o,--out", options->out, "The delta to write").required();
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command model_diff() {
  return {"model diff", "Everyday", "Write what changed between two files of a model as a delta",
          "  verge model diff digits.safetensors mine.safetensors -o mine.vdelta\n"
          "  verge inspect mine.vdelta\n"
          "  verge model apply digits.safetensors mine.vdelta -o mine.safetensors",
          declare};
}

}  // namespace verge::cli::commands
