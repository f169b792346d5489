// Any bytes as an ONNX file: a file that reads is imported, with each open extent as 2 and each
// single integer as 1; the Graph that comes of it must be well formed. What can be exported reads
// again, with the same ports. Tiny ones are compiled and run, on random inputs.

#include <cstdint>
#include <cstdlib>
#include <vector>

#include <verge/engine/format/onnx/writer.hpp>
#include <verge/engine/graph/graph_cost.hpp>
#include <verge/engine/model/onnx_network.hpp>
#include <verge/engine/onnx/export.hpp>

namespace {

using namespace verge;

constexpr int64_t kMostElements = 1 << 16;
constexpr double kMostWork = 1e6;

std::vector<onnx::InputBinding> bindings_of(const format::onnx::Onnx& file) {
  std::vector<onnx::InputBinding> bindings;
  for (const auto& input : onnx::inputs_of(file)) {
    std::vector<int64_t> extents;
    for (const auto& extent : input.dims) extents.push_back(extent.value < 0 ? 2 : extent.value);
    if (extents.size() > Shape::kMaxRank) extents.resize(Shape::kMaxRank);
    bindings.push_back({input.name, Shape(std::span<const int64_t>(extents)), 1.0});
  }
  return bindings;
}

bool is_tiny(const graph::Graph& graph) {
  int64_t elements = 0;
  for (const graph::Value& value : graph.values) {
    elements += graph.bound_shape(value.type).count();
    if (elements > kMostElements) return false;
  }
  return graph::cost_of(graph).flops <= kMostWork;
}

void round_trip(const onnx::Network& network) {
  const auto model = onnx::export_onnx(network);
  if (!model) return;
  std::string bytes;
  const auto append = [&](std::span<const std::byte> portion) -> Status {
    bytes.append(reinterpret_cast<const char*>(portion.data()), portion.size());
    return {};
  };
  if (!format::onnx::write_onnx_to(*model, append)) std::abort();
  const auto file = format::onnx::Onnx::parse(std::as_bytes(std::span(bytes.data(), bytes.size())));
  if (!file || file->model().graph.outputs.size() != network.outputs.size()) std::abort();
  const auto again = onnx::import_onnx(*file, {});
  if (!again) return;  // constants that import computed may be beyond what it makes
  for (size_t i = 0; i < network.outputs.size(); ++i) {
    if (again->outputs[i].shape != network.outputs[i].shape) std::abort();
  }
}

void run(const format::onnx::Onnx& file, const std::vector<onnx::InputBinding>& bindings) {
  static ThreadPool pool(1);
  auto network = model::OnnxNetwork::compile(file, bindings, pool, {.canaries = true});
  if (!network) return;
  network->fill_inputs(1);
  network->run();
  for (size_t i = 0; i < network->outputs().size(); ++i) network->output(i);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = format::onnx::Onnx::parse(std::as_bytes(std::span(data, size)));
  if (!file) return file.error().message.empty() ? -1 : 0;
  volatile size_t missing = onnx::unsupported_operators(*file).size();
  (void)missing;
  const auto bindings = bindings_of(*file);
  const auto network = onnx::import_onnx(*file, bindings);
  if (!network) return 0;
  if (!graph::verify(network->graph)) std::abort();
  if (is_tiny(network->graph)) round_trip(*network);
  if (is_tiny(network->graph)) run(*file, bindings);
  return 0;
}
