#include <algorithm>

#include <verge/core/checksum.hpp>
#include <verge/core/machine.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/graph/planner.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/language_model.hpp>
#include <verge/engine/nn/decoder.hpp>

namespace verge::model {
namespace {

using format::ModelSource;
using format::StoredTensor;

constexpr int64_t kPageTokens = 32;
constexpr int64_t kDefaultContext = 4096;

nn::DecoderShape decoder_shape(const nn::DecoderConfig& config, const LoadOptions& options) {
  const int64_t context =
      options.context > 0 ? options.context : std::min(config.context, kDefaultContext);
  nn::DecoderShape shape;
  shape.max_tokens = std::min(options.max_tokens, context);
  shape.max_outputs = std::min(options.max_outputs, shape.max_tokens);
  shape.page_tokens = kPageTokens;
  shape.pages_per_sequence = (context + kPageTokens - 1) / kPageTokens;
  shape.pages = shape.pages_per_sequence;
  shape.kv_dtype = options.kv_dtype;
  return shape;
}

Status check_options(const nn::DecoderConfig& config, const LoadOptions& options) {
  if (options.context < 0 || options.context > (int64_t{1} << 30)) {
    return make_error(Code::InvalidArgument, "a context of {} tokens; give 1 to 2^30",
                      options.context);
  }
  if (options.kv_dtype == DType::Q8_0 && config.head_dim % 32 != 0) {
    return make_error(
        Code::InvalidArgument,
        "a q8_0 KV cache needs heads of a multiple of 32, the model's are {}; use f16",
        config.head_dim);
  }
  return {};
}

Result<graph::Graph> optimized_decoder(const nn::DecoderConfig& config, const FileFacts& facts,
                                       const nn::DecoderShape& shape) {
  VERGE_TRY(graph::Graph graph, nn::build_decoder(config, facts, shape));
  VERGE_TRY(graph::Optimized optimized, graph::optimize(std::move(graph)));
  return std::move(optimized.graph);
}

MemoryNeed need_of(const ModelSource& source, const nn::DecoderConfig& config,
                   const nn::DecoderShape& shape, const graph::Graph& prefill) {
  MemoryNeed need;
  for (const StoredTensor& tensor : source.tensors()) {
    need.weights_bytes += static_cast<int64_t>(tensor.bytes.size());
  }
  const int64_t values = shape.pages * 2 * config.kv_heads * shape.page_tokens * config.head_dim;
  need.kv_bytes = config.layers * bytes_of(shape.kv_dtype, values);
  need.arena_bytes = graph::plan_memory(prefill).arena_bytes;
  return need;
}

Status check_memory(const MemoryNeed& need, int64_t context) {
  constexpr double kMiB = 1 << 20;
  const int64_t available = available_memory_bytes();
  if (need.total() <= available) return {};
  return make_error(
      Code::OutOfMemory,
      "weights of {:.0f} MiB, a KV cache of {:.0f} MiB for {} tokens and {:.0f} MiB of "
      "activations exceed the {:.0f} MiB available; use a smaller --context or model",
      static_cast<double>(need.weights_bytes) / kMiB, static_cast<double>(need.kv_bytes) / kMiB,
      context, static_cast<double>(need.arena_bytes) / kMiB, static_cast<double>(available) / kMiB);
}

// Names the model a saved session belongs to: its tensors' names, types and places, and its files'
// sizes.
std::string identity_of(const ModelSource& source) {
  Checksum sum;
  for (const StoredTensor& tensor : source.tensors()) {
    const std::string line = fmt::format("{} {} {} {};", tensor.name, tensor.type_name,
                                         tensor.shape.str(), tensor.offset);
    sum.add(std::as_bytes(std::span(line)));
  }
  size_t bytes = 0;
  for (const auto& file : source.files) bytes += file->size();
  return fmt::format("{:016x}-{}", sum.value(), bytes);
}

// The mapped file that holds these bytes, or nullptr if they were made at loading.
std::shared_ptr<const MappedFile> file_of(const ModelSource& source,
                                          std::span<const std::byte> bytes) {
  for (const auto& file : source.files) {
    const std::byte* begin = file->bytes().data();
    if (bytes.data() >= begin && bytes.data() < begin + file->size()) return file;
  }
  return nullptr;
}

}  // namespace

Result<std::unique_ptr<LanguageModel>> LanguageModel::load(const std::string& path,
                                                           const LoadOptions& options,
                                                           ThreadPool& pool) {
  VERGE_TRY(ModelSource source, ModelSource::open(path));
  auto model = std::unique_ptr<LanguageModel>(new LanguageModel(std::move(source)));
  VERGE_TRY(model->config_, nn::read_config(FileFacts(model->source_)));
  VERGE_RETURN_IF_ERROR(check_options(model->config_, options));
  VERGE_TRY(text::Vocabulary vocabulary, read_vocabulary(model->source_));
  VERGE_TRY(model->tokenizer_, text::make_tokenizer(std::move(vocabulary)));
  VERGE_RETURN_IF_ERROR(model->add_weights());
  VERGE_RETURN_IF_ERROR(model->compile(options, pool));
  return model;
}

Status LanguageModel::add_weights() {
  for (const StoredTensor& tensor : source_.tensors()) {
    if (!tensor.dtype) continue;  // refused by name if the graph needs it
    if (tensor.interleave_heads > 0) {
      Tensor rows(*tensor.dtype, tensor.shape);
      VERGE_RETURN_IF_ERROR(
          tensor.copy_to({rows.view().as<std::byte>(), static_cast<size_t>(rows.view().bytes())}));
      weights_.add(tensor.name, std::move(rows));
      continue;
    }
    VERGE_TRY(const TensorView view, tensor.view());
    const auto file = file_of(source_, tensor.bytes);
    if (file == nullptr) {
      weights_.add(tensor.name, view, nullptr);
      continue;
    }
    const auto begin = static_cast<size_t>(tensor.bytes.data() - file->bytes().data());
    weights_.add(tensor.name, view, file, [file, begin](int64_t offset, int64_t length) {
      file->advise(Advice::DontNeed, begin + static_cast<size_t>(offset),
                   static_cast<size_t>(length));
    });
  }
  return {};
}

Status LanguageModel::compile(const LoadOptions& options, ThreadPool& pool) {
  const FileFacts facts(source_);
  nn::DecoderShape shape = decoder_shape(config_, options);
  VERGE_TRY(graph::Graph prefill_graph, optimized_decoder(config_, facts, shape));
  const int64_t context = shape.pages_per_sequence * shape.page_tokens;
  VERGE_RETURN_IF_ERROR(check_memory(need_of(source_, config_, shape, prefill_graph), context));
  const runtime::PlanOptions plan_options{.isa = options.isa, .canaries = options.canaries};
  VERGE_TRY(runtime::Plan prefill, runtime::Plan::compile(std::move(prefill_graph), weights_,
                                                          states_, pool, plan_options));
  const int64_t max_tokens = shape.max_tokens, max_outputs = shape.max_outputs;
  shape.max_tokens = shape.max_outputs = 1;
  VERGE_TRY(graph::Graph decode_graph, optimized_decoder(config_, facts, shape));
  VERGE_TRY(runtime::Plan decode,
            runtime::Plan::compile(std::move(decode_graph), weights_, states_, pool, plan_options));
  decoder_ = std::make_unique<runtime::Decoder>(
      runtime::Decoder{std::move(prefill), std::move(decode), states_,
                       runtime::KvPool(static_cast<int32_t>(shape.pages)), config_.layers,
                       config_.vocab, max_tokens, max_outputs, shape.page_tokens,
                       options.context > 0 ? options.context : context, identity_of(source_)});
  return {};
}

Result<MemoryNeed> plan_memory_need(const ModelSource& source, const LoadOptions& options) {
  const FileFacts facts(source);
  VERGE_TRY(const nn::DecoderConfig config, nn::read_config(facts));
  VERGE_RETURN_IF_ERROR(check_options(config, options));
  const nn::DecoderShape shape = decoder_shape(config, options);
  VERGE_TRY(const graph::Graph prefill, optimized_decoder(config, facts, shape));
  return need_of(source, config, shape, prefill);
}

Result<graph::Graph> decode_graph(const ModelSource& source, const LoadOptions& options) {
  const FileFacts facts(source);
  VERGE_TRY(const nn::DecoderConfig config, nn::read_config(facts));
  VERGE_RETURN_IF_ERROR(check_options(config, options));
  nn::DecoderShape shape = decoder_shape(config, options);
  shape.max_tokens = shape.max_outputs = 1;
  return optimized_decoder(config, facts, shape);
}

}  // namespace verge::model
