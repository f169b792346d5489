#include <algorithm>
#include <limits>

#include <verge/core/checksum.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/model/compiled_model.hpp>
#include <verge/engine/model/decoder_options.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/model_graph.hpp>

namespace verge::model {
namespace {

constexpr std::pair<std::string_view, GraphUse> kPrograms[] = {{"prefill", GraphUse::Prefill},
                                                               {"decode", GraphUse::Decode}};

Result<runtime::Program> compile_program(graph::Graph graph, std::string_view name,
                                         const LoadOptions& options, int threads,
                                         const PassVisitor& observe,
                                         const graph::AdapterLayout* adapters) {
  graph::PipelineOptions pipeline{.adapters = adapters};
  if (observe) {
    pipeline.observe = [&](std::string_view pass, const graph::Graph& before,
                           const graph::Graph& after) { observe(name, pass, before, after); };
  }
  VERGE_TRY(graph::Optimized optimized, graph::optimize(std::move(graph), pipeline));
  return runtime::make_program(std::move(optimized.graph), options.isa, threads);
}

Result<runtime::Program> compile_decoder(const format::ModelSource& source,
                                         const nn::DecoderConfig& config,
                                         const nn::DecoderShape& shape, kernels::Isa isa,
                                         int threads,
                                         const graph::AdapterLayout* adapters = nullptr) {
  VERGE_TRY(graph::Graph graph, nn::build_decoder(config, FileFacts(source), shape));
  VERGE_TRY(graph::Optimized optimized, graph::optimize(std::move(graph), {.adapters = adapters}));
  return runtime::make_program(std::move(optimized.graph), isa, threads);
}

constexpr int64_t kMostPages = std::numeric_limits<int32_t>::max();
constexpr int64_t kMostPageTokens = 4096;

// Whether the graph has the symbols, inputs, states and outputs of `wanted`, of the same types: all
// that a Session relies on.
bool has_interface_of(const graph::Graph& graph, const graph::Graph& wanted) {
  const auto same_symbol = [](const graph::Symbol& a, const graph::Symbol& b) {
    return a.name == b.name && a.bound == b.bound;
  };
  if (!std::ranges::equal(graph.symbols, wanted.symbols, same_symbol)) return false;
  return std::ranges::all_of(wanted.values, [&](const graph::Value& value) {
    const bool is_given =
        value.kind == graph::ValueKind::Input || value.kind == graph::ValueKind::State;
    if (!is_given && !value.is_output) return true;
    const graph::ValueId id = graph.find(value.name);
    return id != graph::kNone && graph.value(id).type == value.type &&
           graph.value(id).is_output == value.is_output &&
           (!is_given || graph.value(id).kind == value.kind);
  });
}

// The cache of any layer: they are alike.
graph::ValueId find_cache(const graph::Graph& graph) {
  const auto is_cache = [](const graph::Value& value) {
    return value.kind == graph::ValueKind::State && value.name.starts_with("kv.");
  };
  const auto at = std::ranges::find_if(graph.values, is_cache);
  return at == graph.values.end() ? graph::kNone
                                  : static_cast<graph::ValueId>(at - graph.values.begin());
}

// Whether shape_of finds what it reads.
bool has_shape(const runtime::PlanFile& plan) {
  const runtime::Program* program = plan.find("prefill");
  if (program == nullptr || plan.find("decode") == nullptr) return false;
  const graph::Graph& graph = program->graph;
  const graph::ValueId cache = find_cache(graph), table = graph.find("page_table");
  return graph.symbols.size() == nn::kWrites + 1 && cache != graph::kNone &&
         table != graph::kNone && graph.value(cache).type.dims.size() == 5 &&
         graph.value(table).type.dims.size() == 2;
}

// Whether a plan file's programs are decoders of this model.
Result<bool> are_decoders(const runtime::PlanFile& plan, const format::ModelSource& source) {
  if (!has_shape(plan)) return false;
  nn::DecoderShape shape = shape_of(plan);
  const auto within = [](int64_t x, int64_t most) { return x >= 1 && x <= most; };
  if (!within(shape.pages, kMostPages) || !within(shape.pages_per_sequence, kMostPages) ||
      !within(shape.page_tokens, kMostPageTokens) ||
      !within(shape.max_sequences, shape.max_tokens)) {
    return false;
  }
  const FileFacts facts(source);
  VERGE_TRY(const nn::DecoderConfig config, nn::read_config(facts));
  for (const auto& [name, use] : kPrograms) {
    if (use == GraphUse::Decode) shape = decode_shape(shape);
    VERGE_TRY(const graph::Graph wanted, nn::build_decoder(config, facts, shape));
    if (!has_interface_of(plan.find(name)->graph, wanted)) return false;
  }
  return true;
}

// Whether a plan's shape serves what is asked for.
Status check_asked(const nn::DecoderShape& shape, const LoadOptions& options) {
  if (!options.layers.is_whole()) {
    return make_error(Code::Conflict, "{}: a compiled plan runs all layers; load some without it",
                      options.plan);
  }
  const int64_t context = shape.pages_per_sequence * shape.page_tokens;
  if (options.context > context || shape.kv_dtype != options.kv_dtype) {
    return make_error(Code::Conflict,
                      "{}: compiled for a context of {} and a {} cache, {} and {} are asked for; "
                      "compile it anew",
                      options.plan, context, name(shape.kv_dtype), options.context,
                      name(options.kv_dtype));
  }
  const int64_t kv_tokens = shape.pages * shape.page_tokens;
  if (options.max_sequences > shape.max_sequences || options.kv_tokens > kv_tokens) {
    return make_error(Code::Conflict,
                      "{}: compiled for {} sequences in a cache of {} tokens, {} and {} are asked "
                      "for; compile it anew",
                      options.plan, shape.max_sequences, kv_tokens, options.max_sequences,
                      options.kv_tokens);
  }
  return {};
}

}  // namespace

std::string identity_of(const format::ModelSource& source) {
  Checksum sum;
  for (const format::Entry& entry : source.metadata.entries()) {
    sum.add(std::as_bytes(std::span(entry.key)));
    sum.add(entry.value.bytes);
  }
  for (const format::StoredTensor& tensor : source.tensors()) {
    const std::string line = fmt::format("{} {} {} {};", tensor.name, tensor.type_name,
                                         tensor.shape.str(), tensor.offset);
    sum.add(std::as_bytes(std::span(line)));
  }
  size_t bytes = 0;
  for (const auto& file : source.files) bytes += file->size();
  return fmt::format("{:016x}-{}", sum.value(), bytes);
}

Result<runtime::PlanFile> compile_model(const format::ModelSource& source,
                                        const LoadOptions& options, int threads,
                                        const PassVisitor& observe,
                                        const graph::AdapterLayout* adapters) {
  runtime::PlanFile plan{identity_of(source), {}};
  for (const auto& [name, use] : kPrograms) {
    VERGE_TRY(graph::Graph graph, model_graph(source, options, use));
    VERGE_TRY(runtime::Program program,
              compile_program(std::move(graph), name, options, threads, observe, adapters));
    plan.programs.emplace_back(name, std::move(program));
  }
  return plan;
}

Result<runtime::Program> compile_hidden(const format::ModelSource& source,
                                        const nn::DecoderConfig& config, nn::DecoderShape shape,
                                        kernels::Isa isa, int threads,
                                        const graph::AdapterLayout* adapters) {
  shape.has_logits = false;
  shape.max_outputs = shape.max_tokens;
  return compile_decoder(source, config, shape, isa, threads, adapters);
}

Result<runtime::Program> compile_layers(const format::ModelSource& source,
                                        const nn::DecoderConfig& config, nn::DecoderShape shape,
                                        kernels::Isa isa, int threads,
                                        const graph::AdapterLayout* adapters) {
  const int64_t end = config.resolve(shape.layers).end;
  shape.has_hidden = shape.has_logits = config.has_head(end);
  shape.has_states = end < config.layers;
  return compile_decoder(source, config, shape, isa, threads, adapters);
}

Result<runtime::PlanFile> load_compiled(const format::ModelSource& source,
                                        const LoadOptions& options) {
  VERGE_TRY(runtime::PlanFile plan, runtime::read_plan_file(options.plan));
  if (plan.model != identity_of(source)) {
    return make_error(Code::Conflict, "{}: compiled for another model than {}; compile it anew",
                      options.plan, source.path);
  }
  VERGE_TRY(const bool fits, are_decoders(plan, source));
  if (!fits) {
    return make_error(Code::Malformed, "{}: not the plan of this language model; compile it anew",
                      options.plan);
  }
  VERGE_RETURN_IF_ERROR(check_asked(shape_of(plan), options));
  return plan;
}

nn::DecoderShape shape_of(const runtime::PlanFile& plan) {
  const graph::Graph& graph = plan.find("prefill")->graph;
  const graph::Type& cache = graph.value(find_cache(graph)).type;
  const graph::Type& table = graph.value(graph.find("page_table")).type;
  nn::DecoderShape shape;
  shape.max_tokens = graph.symbols[nn::kTokens].bound;
  shape.max_outputs = graph.symbols[nn::kOutputs].bound;
  shape.pages = cache.dims[0].factor;
  shape.page_tokens = cache.dims[3].factor;
  shape.max_sequences = table.dims[0].factor;
  shape.pages_per_sequence = table.dims[1].factor;
  shape.kv_dtype = cache.dtype;
  return shape;
}

}  // namespace verge::model
