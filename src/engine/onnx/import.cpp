#include <algorithm>
#include <map>
#include <set>

#include <verge/engine/onnx/import.hpp>
#include <verge/engine/onnx/importer.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx {
namespace {

using format::onnx::GraphData;
using format::onnx::NodeData;

struct Missing {
  int64_t nodes = 0;
  std::string first;
};
using MissingOps = std::map<std::string, Missing>;

void collect(const GraphData& graph, bool with_branches, MissingOps& missing) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const NodeData& node = graph.nodes[i];
    if (!node.domain.empty() || find_onnx_op(node.op_type) == nullptr) {
      const std::string op =
          node.domain.empty() ? node.op_type : fmt::format("{}.{}", node.domain, node.op_type);
      Missing& entry = missing[op];
      if (entry.nodes++ == 0) entry.first = fmt::format("node {} \"{}\"", i, node.name);
    }
    if (!with_branches) continue;
    for (const auto& attribute : node.attributes) {
      if (attribute.graph) collect(*attribute.graph, true, missing);
    }
  }
}

std::vector<std::string> show(const MissingOps& missing) {
  std::vector<std::string> lines;
  for (const auto& [op, entry] : missing) {
    lines.push_back(entry.nodes == 1
                        ? fmt::format("{}: {}", op, entry.first)
                        : fmt::format("{}: {} nodes, the first {}", op, entry.nodes, entry.first));
  }
  return lines;
}

constexpr int64_t kFirstOpset = 7, kLastOpset = 21;

Status expect_opset(int64_t opset) {
  if (opset >= kFirstOpset && opset <= kLastOpset) return {};
  return make_error(Code::Unsupported, "it is of opset {}; export the network with one of {} to {}",
                    opset, kFirstOpset, kLastOpset);
}

Status expect_all_known(const GraphData& graph) {
  MissingOps missing;
  collect(graph, false, missing);
  if (missing.empty()) return {};
  return make_error(Code::Unsupported, "Verge has no operator for {}; export the network without",
                    fmt::join(show(missing), "; "));
}

}  // namespace

std::vector<format::onnx::ValueInfo> inputs_of(const format::onnx::Onnx& file) {
  const GraphData& graph = file.model().graph;
  std::set<std::string_view> stored;
  for (const auto& tensor : graph.initializers) stored.insert(tensor.name);
  std::vector<format::onnx::ValueInfo> inputs;
  std::ranges::copy_if(graph.inputs, std::back_inserter(inputs),
                       [&](const auto& input) { return !stored.contains(input.name); });
  return inputs;
}

bool is_switch(const format::onnx::ValueInfo& input) {
  return input.is_tensor && !is_float(input.type) &&
         (input.dims.empty() || (input.dims.size() == 1 && input.dims[0].value == 1));
}

std::vector<std::string> unsupported_operators(const format::onnx::Onnx& file) {
  MissingOps missing;
  collect(file.model().graph, true, missing);
  return show(missing);
}

Result<Network> import_onnx(const format::onnx::Onnx& file, std::span<const InputBinding> inputs) {
  const auto import = [&]() -> Result<Network> {
    VERGE_RETURN_IF_ERROR(expect_opset(file.model().opset));
    VERGE_RETURN_IF_ERROR(expect_all_known(file.model().graph));
    return Importer(file, inputs).run();
  };
  auto network = import();
  if (network) return network;
  return make_error(network.error().code, "{}: {}", file.path(), network.error().message);
}

}  // namespace verge::onnx
