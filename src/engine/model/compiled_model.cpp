#include <verge/core/checksum.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/model/compiled_model.hpp>
#include <verge/engine/model/decoder_options.hpp>
#include <verge/engine/model/model_graph.hpp>

namespace verge::model {
namespace {

constexpr std::pair<std::string_view, GraphUse> kPrograms[] = {{"prefill", GraphUse::Prefill},
                                                               {"decode", GraphUse::Decode}};

Result<runtime::Program> compile_program(graph::Graph graph, std::string_view name,
                                         const LoadOptions& options, int threads,
                                         const PassVisitor& observe) {
  graph::PipelineOptions pipeline;
  if (observe) {
    pipeline.observe = [&](std::string_view pass, const graph::Graph& before,
                           const graph::Graph& after) { observe(name, pass, before, after); };
  }
  VERGE_TRY(graph::Optimized optimized, graph::optimize(std::move(graph), pipeline));
  return runtime::make_program(std::move(optimized.graph), options.isa, threads);
}

// Whether a plan file's programs are decoders as shape_of takes them to be.
bool are_decoders(const runtime::PlanFile& plan) {
  for (const auto& [name, use] : kPrograms) {
    const runtime::Program* program = plan.find(name);
    if (program == nullptr || program->graph.symbols.size() != 2) return false;
    const graph::Graph& graph = program->graph;
    const graph::ValueId cache = graph.find("kv.0"), table = graph.find("page_table");
    if (cache == graph::kNone || table == graph::kNone) return false;
    if (graph.value(cache).type.dims.size() != 5 || graph.value(table).type.dims.size() != 2) {
      return false;
    }
    for (const char* input : {"tokens", "positions", "slots", "token_sequence", "output_rows"}) {
      const graph::ValueId id = graph.find(input);
      if (id == graph::kNone || graph.value(id).kind != graph::ValueKind::Input) return false;
    }
    const graph::ValueId logits = graph.find("logits");
    if (logits == graph::kNone || !graph.value(logits).is_output) return false;
  }
  return true;
}

}  // namespace

std::string identity_of(const format::ModelSource& source) {
  Checksum sum;
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
                                        const PassVisitor& observe) {
  runtime::PlanFile plan{identity_of(source), {}};
  for (const auto& [name, use] : kPrograms) {
    VERGE_TRY(graph::Graph graph, model_graph(source, options, use));
    VERGE_TRY(runtime::Program program,
              compile_program(std::move(graph), name, options, threads, observe));
    plan.programs.emplace_back(name, std::move(program));
  }
  return plan;
}

Result<runtime::PlanFile> load_compiled(const format::ModelSource& source,
                                        const LoadOptions& options) {
  VERGE_TRY(runtime::PlanFile plan, runtime::read_plan_file(options.plan));
  if (plan.model != identity_of(source)) {
    return make_error(Code::Conflict, "{}: compiled for another model than {}; compile it anew",
                      options.plan, source.path);
  }
  if (!are_decoders(plan)) {
    return make_error(Code::Malformed, "{}: not the plan of a language model", options.plan);
  }
  const nn::DecoderShape shape = shape_of(plan);
  const int64_t context = shape.pages_per_sequence * shape.page_tokens;
  if (options.context > context || shape.kv_dtype != options.kv_dtype) {
    return make_error(Code::Conflict,
                      "{}: compiled for a context of {} and a {} cache, {} and {} are asked for; "
                      "compile it anew",
                      options.plan, context, name(shape.kv_dtype), options.context,
                      name(options.kv_dtype));
  }
  return plan;
}

nn::DecoderShape shape_of(const runtime::PlanFile& plan) {
  const graph::Graph& graph = plan.find("prefill")->graph;
  const graph::Type& cache = graph.value(graph.find("kv.0")).type;
  const graph::Type& table = graph.value(graph.find("page_table")).type;
  nn::DecoderShape shape;
  shape.max_tokens = graph.symbols[nn::kTokens].bound;
  shape.max_outputs = graph.symbols[nn::kOutputs].bound;
  shape.pages = cache.dims[0].factor;
  shape.page_tokens = cache.dims[3].factor;
  shape.pages_per_sequence = table.dims[1].factor;
  shape.kv_dtype = cache.dtype;
  return shape;
}

}  // namespace verge::model
