#include <verge/cli/command.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/progress.hpp>
#include <verge/cli/units.hpp>
#include <verge/core/clock.hpp>
#include <verge/stages/data/model_library/model_library.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  std::string name;
  std::string target;
};

Status execute(const Options& options, Context& context) {
  const SystemClock clock;
  VERGE_TRY(const store::Store store, open_store());
  VERGE_TRY(const store::Artifact model, store.find(data::kModel, options.name));
  Progress progress(context, clock);
  VERGE_RETURN_IF_ERROR(
      store.copy_to(options.target, model, {byte_progress(progress, clock), &catch_interrupts()}));
  progress.clear();
  if (context.json) {
    print_json_line({{"name", model.name},
                     {"file", options.target},
                     {"sha256", model.digest},
                     {"bytes", model.bytes}},
                    context.out);
  } else {
    context.out << fmt::format("wrote {}, {}\n", options.target, show_bytes(model.bytes));
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  parser.add_option("NAME", options->name, "A stored model").required();
  parser.add_option("PATH", options->target, "The file to write, or the folder for several")
      .required();
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command model_export() {
  return {"model export", "Everyday", "Copy a stored model to a file, checked on the way",
          "  verge model export qwen qwen.gguf", declare};
}

}  // namespace verge::cli::commands
