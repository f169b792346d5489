#include <verge/cli/command.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/progress.hpp>
#include <verge/core/clock.hpp>
#include <verge/core/units.hpp>
#include <verge/stages/data/model_library/model_library.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  std::string file;
  std::string name;
  bool link = false;
};

void print_text(const data::Import& import, Context& context) {
  const store::Artifact& model = import.artifact;
  context.out << fmt::format("{}: {}, {} parameters, {}, {}{}\n", model.name,
                             import.facts.architecture, show_count(import.facts.parameters),
                             import.facts.type, show_bytes(model.bytes),
                             import.was_there ? ", was there already" : "");
  if (!import.obstacle.empty() && !context.quiet) {
    context.err << "stored, but this verge cannot run it: " << import.obstacle << "\n";
  }
}

Status execute(const Options& options, Context& context) {
  const SystemClock clock;
  VERGE_TRY(store::Store store, open_store());
  Progress progress(context, clock);
  const store::Watch watch{byte_progress(progress, clock), &catch_interrupts()};
  const auto how = options.link ? store::Blobs::How::Link : store::Blobs::How::Copy;
  VERGE_TRY(const data::Import import,
            data::import_model(store, {options.file, options.name, how}, watch));
  progress.clear();
  if (context.json) {
    print_json_line({{"name", import.artifact.name},
                     {"sha256", import.artifact.digest},
                     {"bytes", import.artifact.bytes},
                     {"was_there", import.was_there},
                     {"runs", import.obstacle.empty()}},
                    context.out);
  } else {
    print_text(import, context);
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  parser.add_option("FILE", options->file, "A GGUF file or a folder with safetensors").required();
  parser.add_option("--name", options->name, "Its name in the store; from the file's by default");
  parser.add_flag("--link", options->link,
                  "Link instead of copying: no disk space, but what changes the file changes the "
                  "model");
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command model_import() {
  return {"model import", "Everyday", "Keep a model in the store, by name",
          "  verge model import qwen2.5-0.5b-q4_0.gguf --name qwen\n"
          "  verge run qwen -p 'Once upon a time'",
          declare};
}

}  // namespace verge::cli::commands
