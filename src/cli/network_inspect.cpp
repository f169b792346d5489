#include <map>
#include <ostream>

#include <verge/cli/json.hpp>
#include <verge/cli/network_inspect.hpp>
#include <verge/cli/partition_report.hpp>
#include <verge/engine/model/onnx_network.hpp>
#include <verge/engine/onnx/import.hpp>

namespace verge::cli {
namespace {

using format::onnx::GraphData;
using format::onnx::ValueInfo;

void count_operators(const GraphData& graph, std::map<std::string, int64_t>& counts) {
  for (const auto& node : graph.nodes) {
    counts[node.domain.empty() ? node.op_type : node.domain + "." + node.op_type] += 1;
    for (const auto& attribute : node.attributes) {
      if (attribute.graph) count_operators(*attribute.graph, counts);
    }
  }
}

// Dynamic extents by their names.
Json extents_json(const ValueInfo& value) {
  Json extents = Json::array();
  for (const auto& extent : value.dims) {
    if (extent.value >= 0) {
      extents.push_back(extent.value);
    } else {
      extents.push_back(extent.symbol.empty() ? "?" : extent.symbol);
    }
  }
  return extents;
}

Json values_json(const std::vector<ValueInfo>& values) {
  Json list = Json::array();
  for (const ValueInfo& value : values) {
    list.push_back({{"name", value.name},
                    {"type", format::onnx::name(value.type)},
                    {"shape", extents_json(value)}});
  }
  return list;
}

void print_values(const char* title, const Json& values, std::ostream& out) {
  for (const Json& value : values) {
    std::string extents;
    for (const Json& extent : value["shape"]) {
      extents += (extents.empty() ? "" : " x ") +
                 (extent.is_string() ? extent.get<std::string>() : extent.dump());
    }
    out << fmt::format("  {:<8} {:<20} {:<8} {}\n", title, value["name"].get<std::string>(),
                       value["type"].get<std::string>(), extents.empty() ? "single" : extents);
  }
}

}  // namespace

Status inspect_network(const std::string& path, Context& context) {
  VERGE_TRY(const auto file, format::onnx::Onnx::open(path));
  const auto& model = file.model();
  std::map<std::string, int64_t> operators;
  count_operators(model.graph, operators);
  Json domains = Json::object();
  for (const auto& [domain, version] : model.domains) domains[domain] = version;
  const Json json = {{"file", path},
                     {"format", "onnx"},
                     {"producer", model.producer},
                     {"ir_version", model.ir_version},
                     {"opset", model.opset},
                     {"domains", domains},
                     {"parameters", file.parameters()},
                     {"inputs", values_json(onnx::inputs_of(file))},
                     {"outputs", values_json(model.graph.outputs)},
                     {"operators", operators},
                     {"unsupported", onnx::unsupported_operators(file)}};
  if (context.json) {
    print_json_line(json, context.out);
    return {};
  }
  std::ostream& out = context.out;
  out << fmt::format("{}: ONNX of {}, opset {}, {:.2f} M parameters\n", path,
                     model.producer.empty() ? "unknown origin" : model.producer, model.opset,
                     static_cast<double>(file.parameters()) * 1e-6);
  print_values("input", json["inputs"], out);
  print_values("output", json["outputs"], out);
  for (const auto& [op, count] : operators) out << fmt::format("  {:>5} {}\n", count, op);
  for (const auto& line : json["unsupported"]) {
    out << "no operator for " << line.get<std::string>() << "\n";
  }
  return {};
}

Status inspect_partition(const std::string& path, const ShapeOptions& shapes,
                         const BackendOptions& backend, Context& context) {
  VERGE_TRY(const auto bindings, shapes.read());
  VERGE_TRY(const auto made, backend.make(context));
  VERGE_TRY(const auto file, format::onnx::Onnx::open(path));
  VERGE_TRY(const model::OnnxGraph network,
            model::optimized_onnx(file, bindings, {.backend = made.get()}));
  if (context.json) {
    print_json_line(partition_json(network.partition), context.out);
  } else {
    print_partition(network.partition, context.out);
  }
  return {};
}

}  // namespace verge::cli
