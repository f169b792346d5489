#include <filesystem>
#include <ostream>

#include <verge/cli/json.hpp>
#include <verge/cli/kernel_times.hpp>
#include <verge/cli/network_options.hpp>
#include <verge/cli/network_run.hpp>
#include <verge/cli/partition_report.hpp>
#include <verge/cli/reference_warning.hpp>
#include <verge/core/clock.hpp>
#include <verge/core/machine.hpp>
#include <verge/engine/model/onnx_network.hpp>

namespace verge::cli {
namespace {

namespace fs = std::filesystem;

// Names of outputs may hold what no file name should: "/model/Add_output_0", "..".
std::string file_name(const std::string& output) {
  std::string name = output;
  for (char& c : name) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' ||
                          c == '-' || (c == '.' && &c != name.data());
    if (!is_plain) c = '_';
  }
  return name + ".npy";
}

Status make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) return {};
  return make_error(Code::Io, "--output-dir {}: {}", path, error.message());
}

Result<Json> write_outputs(model::OnnxNetwork& network, const std::string& folder) {
  Json outputs = Json::array();
  std::vector<std::string> names;
  for (size_t i = 0; i < network.outputs().size(); ++i) {
    const onnx::Port& port = network.outputs()[i];
    std::string name = file_name(port.name);
    if (std::ranges::count(names, name) > 0) name = fmt::format("{}-{}", i, name);
    names.push_back(name);
    const std::string path = (fs::path(folder) / name).string();
    const bool is_bool = port.type == format::onnx::ElementType::Bool;
    const Tensor values = network.output(i);
    VERGE_RETURN_IF_ERROR(format::write_npy(path, values.view(), is_bool));
    outputs.push_back({{"name", port.name},
                       {"type", format::onnx::name(port.type)},
                       {"shape", values.shape().extents()},
                       {"file", path}});
  }
  return outputs;
}

}  // namespace

void NetworkRunOptions::declare(Parser& parser) {
  parser
      .add_option("--input", inputs,
                  "Of an ONNX network: the array for an input, NAME=FILE.npy; may be repeated")
      .repeated();
  parser.add_option("--output-dir", output_dir,
                    "The folder that outputs of an ONNX network are written to, as .npy, or "
                    "pictures with what was found drawn on them");
  backend.declare(parser);
}

Status NetworkRunOptions::check(const std::string& model) const {
  if (!output_dir.empty()) return {};
  return make_error(Code::InvalidArgument,
                    "{}: an ONNX network needs --input NAME=FILE.npy and --output-dir DIR, "
                    "or pictures",
                    model);
}

Status run_network(const NetworkRunOptions& options, const ModelOptions& model, Context& context) {
  const SystemClock clock;
  const double begin = clock.seconds();
  VERGE_TRY(const auto pool, model.threads.make_pool());
  VERGE_TRY(const model::LoadOptions load_options, model.load_options());
  VERGE_TRY(const auto arrays, read_arrays(options.inputs));
  VERGE_TRY(const auto file, format::onnx::Onnx::open(model.model));
  KernelTimes kernel_times(kernel_times_path(), *pool, load_options.isa, clock);
  runtime::PlanOptions plan{.isa = load_options.isa, .chooser = &kernel_times.chooser()};
  VERGE_RETURN_IF_ERROR(options.backend.apply(plan, context));
  VERGE_TRY(auto network, model::OnnxNetwork::compile(file, bindings_of(arrays), *pool, plan));
  kernel_times.keep();
  say_left_out(network.backend_failure(), context);
  for (const NamedArray& entry : arrays) {
    VERGE_RETURN_IF_ERROR(network.set_input(entry.name, entry.array.tensor.view()));
  }
  const auto slow = warn_of_reference(network.plan().reference_nodes(), context);
  for (const onnx::Port& port : network.inputs()) {
    const bool is_set = std::ranges::count(arrays, port.name, &NamedArray::name) > 0;
    if (is_set) continue;
    return make_error(Code::InvalidArgument, "input \"{}\" is missing; give --input {}=FILE.npy",
                      port.name, port.name);
  }
  const double loaded = clock.seconds();
  network.run();
  const double done = clock.seconds();
  VERGE_RETURN_IF_ERROR(make_folder(options.output_dir));
  VERGE_TRY(const Json outputs, write_outputs(network, options.output_dir));
  if (context.json) {
    print_json_line({{"outputs", outputs},
                     {"load_s", loaded - begin},
                     {"run_s", done - loaded},
                     {"peak_rss_bytes", peak_rss_bytes()},
                     {"reference_nodes", slow},
                     {"partition", partition_json(network.partition())}},
                    context.out);
    return {};
  }
  for (const Json& output : outputs) {
    context.out << fmt::format("{:<28} {:<8} {:<20} {}\n", output["name"].get<std::string>(),
                               output["type"].get<std::string>(), output["shape"].dump(),
                               output["file"].get<std::string>());
  }
  if (!network.partition().backend.empty() && !context.quiet) {
    context.err << partition_summary(network.partition()) << "\n";
  }
  return {};
}

}  // namespace verge::cli
