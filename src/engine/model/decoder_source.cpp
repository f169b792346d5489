#include <algorithm>
#include <filesystem>
#include <numeric>

#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/model/decoder_options.hpp>
#include <verge/engine/model/decoder_source.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/model_graph.hpp>
#include <verge/engine/model/model_weights.hpp>

namespace verge::model {
namespace {

using graph::Graph;
using graph::ValueId;

constexpr const char* kNote =
    "   The token at a position, from 0 on, gives the logits of the next one. Its keys and values\n"
    "   are kept: positions come one after another, and 0 begins another text.\n";

void make_constant(Graph& graph, const char* input, std::vector<int32_t> values) {
  graph::Value& value = graph.value(graph.find(input));
  auto data = std::make_shared<Tensor>(DType::I32, graph.bound_shape(value.type));
  VERGE_CHECK(data->span<int32_t>().size() == values.size(), input, values.size());
  std::ranges::copy(values, data->span<int32_t>().begin());
  value.kind = graph::ValueKind::Const;
  value.data = std::move(data);
}

// With pages one behind the other, the slot of a token is its position.
void write_at_positions(Graph& graph) {
  const ValueId slots = graph.find("slots"), positions = graph.find("positions");
  for (graph::Node& node : graph.nodes) std::ranges::replace(node.inputs, slots, positions);
  const graph::Type type = graph.value(positions).type;
  for (const char* name : {"slots", "slot_tokens"}) graph.value(graph.find(name)).type = type;
}

}  // namespace

Result<Graph> step_graph(const format::ModelSource& source, const LoadOptions& options) {
  LoadOptions one;
  one.context = options.context;
  one.kv_dtype = options.kv_dtype;
  VERGE_TRY(Graph graph, model_graph(source, one, GraphUse::Decode));
  write_at_positions(graph);
  for (const char* name : {"slots", "slot_tokens", "token_sequence", "output_rows"}) {
    make_constant(graph, name, {0});
  }
  const int64_t pages = graph.value(graph.find("page_table")).type.dims[1].factor;
  std::vector<int32_t> table(static_cast<size_t>(pages));
  std::iota(table.begin(), table.end(), 0);
  make_constant(graph, "page_table", std::move(table));
  graph.value(graph.find("hidden")).is_output = false;
  return graph;
}

Result<DecoderSource> decoder_source(const format::ModelSource& source, const LoadOptions& options,
                                     const std::string& name) {
  if (options.kv_dtype != DType::F32 && options.kv_dtype != DType::F16) {
    return make_error(Code::Unsupported, "a cache of {} has no C; give --kv f16 or f32",
                      verge::name(options.kv_dtype));
  }
  VERGE_TRY(Graph graph, step_graph(source, options));
  VERGE_TRY(const nn::DecoderConfig config, nn::read_config(FileFacts(source)));
  runtime::WeightStore weights;
  VERGE_RETURN_IF_ERROR(add_weights(source, {}, weights));
  VERGE_TRY(graph::Optimized optimized,
            graph::optimize(std::move(graph), {.disabled = emit::passes_without_c()}));
  graph = std::move(optimized.graph);
  DecoderSource made;
  made.context = context_of(config, options);
  made.nodes = graph.nodes.size();
  const int64_t vocab = graph.value(graph.find("logits")).type.dims[1].factor;
  VERGE_TRY(made.source,
            emit::emit_c(graph, runtime::parameter_values(weights),
                         {.name = name,
                          .origin = std::filesystem::path(source.path).filename().string(),
                          .verb = "step",
                          .ranges = {{"tokens", vocab}, {"positions", made.context}},
                          .note = kNote}));
  return made;
}

}  // namespace verge::model
