#include <filesystem>
#include <ostream>

#include <verge/cli/json.hpp>
#include <verge/cli/network_emit.hpp>
#include <verge/core/file.hpp>
#include <verge/core/units.hpp>
#include <verge/engine/emit/c_names.hpp>
#include <verge/engine/emit/c_program.hpp>
#include <verge/engine/emit/program_build.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/model/onnx_network.hpp>
#include <verge/stages/build/train_image/pixel_graph.hpp>

namespace verge::cli {
namespace {

namespace fs = std::filesystem;

struct Network {
  graph::Graph graph;
  std::shared_ptr<runtime::WeightStore> weights;
};

Result<Network> onnx_network(const std::string& path, const ShapeOptions& shapes) {
  VERGE_TRY(const auto file, format::onnx::Onnx::open(path));
  VERGE_TRY(const auto bindings, shapes.read());
  VERGE_TRY(model::OnnxGraph network,
            model::optimized_onnx(file, bindings, {.disabled_passes = emit::passes_without_c()}));
  return Network{std::move(network.graph), std::move(network.weights)};
}

Result<Network> image_classifier(const std::string& path) {
  VERGE_TRY(const format::Safetensors file, format::Safetensors::open(path));
  VERGE_TRY(const model::ImageNetwork described, model::read_network(file, path));
  Network network{{}, std::make_unique<runtime::WeightStore>()};
  for (const format::StoredTensor& tensor : file.tensors()) {
    VERGE_TRY(const TensorView view, tensor.view());
    network.weights->add(tensor.name, view, file.file());
  }
  VERGE_TRY(graph::Graph graph, build::pixel_graph(described));
  VERGE_TRY(graph::Optimized optimized,
            graph::optimize(std::move(graph),
                            {.disabled = emit::passes_without_c(),
                             .parameters = runtime::parameter_values(*network.weights)}));
  network.graph = std::move(optimized.graph);
  return network;
}

Result<Network> load(const std::string& path, const ShapeOptions& shapes) {
  if (is_network(path)) return onnx_network(path, shapes);
  return image_classifier(path);
}

Json report(const emit::CSource& source, size_t nodes) {
  return {{"nodes", nodes},
          {"arena_bytes", source.arena_bytes},
          {"weight_bytes", source.constant_bytes + source.kept_bytes},
          {"state_bytes", source.state_bytes}};
}

void print(const Json& json, Context& context) {
  if (context.json) return print_json_line(json, context.out);
  context.out << fmt::format("wrote {}: {} nodes, arena {}, weights {}",
                             json["output"].get<std::string>(), json["nodes"].get<size_t>(),
                             show_bytes(json["arena_bytes"].get<int64_t>()),
                             show_bytes(json["weight_bytes"].get<int64_t>()));
  if (const auto bytes = json["state_bytes"].get<int64_t>(); bytes > 0) {
    context.out << fmt::format(", states {}", show_bytes(bytes));
  }
  if (json.contains("program_bytes")) {
    context.out << fmt::format(", program {}", show_bytes(json["program_bytes"].get<int64_t>()));
  }
  context.out << "\n";
}

}  // namespace

void EmitOptions::declare(Parser& parser) {
  parser
      .add_option("--emit", emit,
                  "plan: a plan file; c: portable C99 and its header; elf: a static program")
      .one_of({"plan", "c", "elf"});
  parser.add_option("--target", target, "The machine that --emit elf is for")
      .one_of({"host", "aarch64"});
  shapes.declare(parser);
}

Status EmitOptions::check_target() const {
  if (target == "host") return {};
  return make_error(Code::InvalidArgument,
                    "--target {} is for --emit elf: a plan's kernels are chosen on the machine "
                    "that runs it",
                    target);
}

Status EmitOptions::check_plan() const {
  VERGE_RETURN_IF_ERROR(check_target());
  if (!shapes.is_given()) return {};
  return make_error(Code::InvalidArgument,
                    "--shape and --value are for --emit c and elf, and for --train");
}

Result<std::string> source_name(const EmitOptions& options, const std::string& output) {
  const fs::path path(output);
  if (options.emit == "c" && path.extension() != ".c") {
    return make_error(Code::InvalidArgument, "--out {}: C needs a name that ends in .c", output);
  }
  const std::string name = emit::c_identifier(path.stem().string());
  return name[0] >= '0' && name[0] <= '9' ? "net_" + name : name;
}

Status write_source(const EmitOptions& options, const EmittedSource& emitted,
                    const std::string& output, Context& context) {
  Json json = report(emitted.source, emitted.nodes);
  json["output"] = output;
  if (options.emit == "elf") {
    const auto target = emit::target_from_name(options.target);
    VERGE_TRY(json["program_bytes"],
              emit::build_program(emitted.source, emitted.name, emitted.main, *target, output));
  } else {
    const std::string header = (fs::path(output).parent_path() / (emitted.name + ".h")).string();
    VERGE_RETURN_IF_ERROR(write_whole_file(header, emitted.source.header));
    VERGE_RETURN_IF_ERROR(write_whole_file(output, emitted.source.source));
    json["header"] = header;
  }
  print(json, context);
  return {};
}

bool is_emitted_network(const std::string& model) {
  return is_network(model) || model.ends_with(".safetensors");
}

Status emit_network(const EmitOptions& options, const std::string& model, const std::string& output,
                    Context& context) {
  VERGE_TRY(const std::string name, source_name(options, output));
  VERGE_TRY(const Network network, load(model, options.shapes));
  VERGE_TRY(const emit::CSource source,
            emit::emit_c(network.graph, runtime::parameter_values(*network.weights),
                         {.name = name, .origin = fs::path(model).filename().string()}));
  return write_source(options, {source, name, emit::c_program(name), network.graph.nodes.size()},
                      output, context);
}

}  // namespace verge::cli
