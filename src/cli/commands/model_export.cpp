#include <verge/cli/command.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/network_options.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/progress.hpp>
#include <verge/core/clock.hpp>
#include <verge/core/units.hpp>
#include <verge/engine/format/onnx/writer.hpp>
#include <verge/engine/model/folder_writer.hpp>
#include <verge/engine/onnx/export.hpp>
#include <verge/stages/build/train_image/export_image.hpp>
#include <verge/stages/data/model_library/model_library.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  std::string name;
  std::string target;
  bool as_folder = false, as_onnx = false, has_external_data = false;
  ShapeOptions shapes;
  std::string dtype;
  ThreadOptions threads;
};

Result<std::optional<DType>> wanted_dtype(const Options& options) {
  if (options.dtype.empty()) return std::optional<DType>();
  const auto dtype = dtype_from_name(options.dtype);
  if (dtype == DType::F32 || dtype == DType::F16 || dtype == DType::BF16) return dtype;
  return make_error(Code::InvalidArgument, "--dtype {}: give f32, f16 or bf16", options.dtype);
}

Status write_folder(const Options& options, Context& context) {
  const SystemClock clock;
  VERGE_TRY(const auto dtype, wanted_dtype(options));
  VERGE_TRY(const auto pool, options.threads.make_pool());
  VERGE_TRY(const std::string path, model_path(options.name));
  VERGE_TRY(const auto source, format::ModelSource::open(path));
  Progress progress(context, clock);
  const model::FolderOptions folder{dtype, byte_progress(progress, clock), &catch_interrupts()};
  VERGE_RETURN_IF_ERROR(model::write_hf_folder(source, options.target, folder, *pool));
  progress.clear();
  if (context.json) {
    print_json_line({{"name", options.name}, {"folder", options.target}}, context.out);
  } else {
    context.out << fmt::format("wrote {}\n", options.target);
  }
  return {};
}

Status write_onnx(const Options& options, Context& context) {
  VERGE_TRY(const std::string path, model_path(options.name));
  VERGE_TRY(const auto bindings, options.shapes.read());
  const format::onnx::WriteOptions how{.external_data = options.has_external_data,
                                       .cancel = &catch_interrupts()};
  if (!is_network(path)) {
    VERGE_RETURN_IF_ERROR(build::export_image(path, options.target, how));
  } else {
    VERGE_TRY(const auto file, format::onnx::Onnx::open(path));
    VERGE_TRY(const onnx::Network network, onnx::import_onnx(file, bindings));
    VERGE_TRY(const auto model, onnx::export_onnx(network, file.model().metadata));
    VERGE_RETURN_IF_ERROR(format::onnx::write_onnx(model, options.target, how));
  }
  if (context.json) {
    print_json_line({{"name", options.name}, {"file", options.target}}, context.out);
  } else {
    context.out << fmt::format("wrote {}\n", options.target);
  }
  return {};
}

Status copy_out(const Options& options, Context& context) {
  if (!options.dtype.empty()) {
    return make_error(Code::InvalidArgument, "--dtype goes with --safetensors");
  }
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
  parser
      .add_option("NAME", options->name,
                  "A stored model; with --safetensors and --onnx a file as well")
      .required();
  parser.add_option("PATH", options->target, "The file to write, or the folder for several")
      .required();
  parser.add_flag("--safetensors", options->as_folder,
                  "Write a folder with config.json, tokenizer.json and model.safetensors instead");
  parser.add_flag("--onnx", options->as_onnx,
                  "Write an ONNX file instead, of a classifier by `verge train image`, or of an "
                  "ONNX network for inputs of given shapes");
  parser.add_flag("--external-data", options->has_external_data,
                  "Of --onnx: large weights in PATH.data beside it, as files of more than 2 GiB "
                  "have them anyway");
  options->shapes.declare(parser);
  parser.add_option("--dtype", options->dtype,
                    "Of that folder's matrices: f32, f16 or bf16; f16 for what is quantized");
  options->threads.declare(parser);
  return [options, &context]() -> Status {
    if (options->as_onnx && (options->as_folder || !options->dtype.empty())) {
      return make_error(Code::InvalidArgument, "--onnx goes without --safetensors and --dtype");
    }
    if (options->has_external_data && !options->as_onnx) {
      return make_error(Code::InvalidArgument, "--external-data goes with --onnx");
    }
    if (options->as_onnx) return write_onnx(*options, context);
    return options->as_folder ? write_folder(*options, context) : copy_out(*options, context);
  };
}

}  // namespace

Command model_export() {
  return {"model export", "Everyday", "Copy a stored model to a file, checked on the way",
          "  verge model export qwen qwen.gguf\n"
          "  verge model export qwen qwen-folder --safetensors\n"
          "  verge model export digits.safetensors digits.onnx --onnx",
          declare};
}

}  // namespace verge::cli::commands
