#include <algorithm>

#include <verge/core/machine.hpp>
#include <verge/core/units.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/kernels/attention.hpp>
#include <verge/engine/model/adapter_set.hpp>
#include <verge/engine/model/compiled_model.hpp>
#include <verge/engine/model/decoder_options.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/language_model.hpp>
#include <verge/engine/model/model_graph.hpp>
#include <verge/engine/model/model_residency.hpp>
#include <verge/engine/model/model_weights.hpp>
#include <verge/engine/model/split_facts.hpp>
#include <verge/engine/nn/decoder.hpp>

namespace verge::model {
namespace {

using format::ModelSource;
using format::StoredTensor;

Status check_memory(const MemoryNeed& need, int64_t kv_tokens) {
  constexpr double kMiB = 1 << 20;
  const int64_t available = available_memory_bytes();
  if (need.total() <= available) return {};
  return make_error(
      Code::OutOfMemory,
      "weights of {:.0f} MiB, a KV cache of {:.0f} MiB for {} tokens and {:.0f} MiB of "
      "activations exceed the {:.0f} MiB available; use a smaller --context or model",
      static_cast<double>(need.weights_bytes) / kMiB, static_cast<double>(need.kv_bytes) / kMiB,
      kv_tokens, static_cast<double>(need.arena_bytes) / kMiB,
      static_cast<double>(available) / kMiB);
}

// Reading ahead stays: what comes next may read the files from end to end.
void release_pages(const ModelSource& source) {
  for (const auto& file : source.files) file->advise(Advice::DontNeed, 0, file->size());
}

}  // namespace

LanguageModel::LanguageModel(ModelSource source, const LoadOptions& options, ThreadPool& pool)
    : source_(std::move(source)), options_(options), pool_(pool) {}
LanguageModel::~LanguageModel() = default;

Result<std::unique_ptr<LanguageModel>> LanguageModel::load(const std::string& path,
                                                           const LoadOptions& options,
                                                           ThreadPool& pool) {
  VERGE_TRY(ModelSource source, ModelSource::open(path));
  auto model = std::unique_ptr<LanguageModel>(new LanguageModel(std::move(source), options, pool));
  VERGE_TRY(model->config_, nn::read_config(FileFacts(model->source_)));
  VERGE_RETURN_IF_ERROR(check_options(model->config_, options));
  VERGE_TRY(model->layers_, layers_to_load(model->source_, model->config_, options));
  VERGE_TRY(text::Vocabulary vocabulary, read_vocabulary(model->source_));
  VERGE_TRY(model->tokenizer_, text::make_tokenizer(std::move(vocabulary)));
  VERGE_RETURN_IF_ERROR(add_weights(model->source_, options.layers, model->weights_));
  if (options.memory_bytes > 0) {
    VERGE_RETURN_IF_ERROR(set_places(model->source_, options.layers, model->weights_));
  }
  VERGE_RETURN_IF_ERROR(model->add_adapters());
  // What was touched of the files would add to what is pinned: a page of them can have 2 MiB.
  if (options.memory_bytes > 0) release_pages(model->source_);
  VERGE_RETURN_IF_ERROR(model->compile());
  model->release_files();
  return model;
}

Status LanguageModel::add_adapters() {
  if (!has_adapters(options_)) return {};
  if (!options_.plan.empty()) {
    return make_error(Code::Conflict, "{}: a compiled plan has no adapters; load without it",
                      options_.plan);
  }
  VERGE_TRY(const graph::Graph graph, model_graph(source_, options_, GraphUse::Decode));
  VERGE_TRY(adapters_, AdapterSet::load(source_, graph, options_));
  adapters_->add_to(weights_);
  return {};
}

std::optional<int32_t> LanguageModel::adapter(std::string_view name) const {
  return adapters_ == nullptr ? std::nullopt : adapters_->find(name);
}

Result<int32_t> LanguageModel::add_adapter(const AdapterSpec& spec) {
  if (adapters_ == nullptr) {
    return make_error(Code::Busy, "{}: no room for adapters; load the base with some", spec.path);
  }
  VERGE_TRY(const int32_t index, adapters_->add(spec, source_));
  decoder_->adapters = adapters_->identities();
  return index;
}

// What is left to read of the files are single rows of an embedding that is not tied.
void LanguageModel::release_files() {
  release_pages(source_);
  for (const auto& file : source_.files) file->advise(Advice::Random, 0, file->size());
}

const graph::AdapterLayout* LanguageModel::layout() const {
  return adapters_ == nullptr ? nullptr : &adapters_->layout();
}

Status LanguageModel::prepare_hidden() {
  if (decoder_->hidden != nullptr) return {};
  VERGE_TRY(runtime::Program program,
            compile_hidden(source_, config_, shape_, options_.isa, pool_.size(), layout()));
  VERGE_RETURN_IF_ERROR(take_spare({&program}));
  VERGE_TRY(runtime::Plan plan, bind(std::move(program)));
  decoder_->hidden = std::make_unique<runtime::Plan>(std::move(plan));
  return {};
}

Result<runtime::LayerPlans*> LanguageModel::prepare_layers(nn::LayerSpan layers,
                                                           int64_t max_tokens) {
  layers = config_.resolve(layers);
  if (layers.first < layers_.first || layers.end > layers_.end || layers.first >= layers.end) {
    return make_error(Code::Unsupported,
                      "{}: layers {} to {} are not among the loaded ones, {} to {}", source_.path,
                      layers.first, layers.end, layers_.first, layers_.end);
  }
  nn::DecoderShape shape = shape_;
  shape.layers = layers;
  if (max_tokens > 0) shape.max_tokens = std::min(shape.max_tokens, max_tokens);
  shape.max_outputs = std::min(shape.max_outputs, shape.max_tokens);
  for (const auto& made : parts_) {
    if (made->first_layer == layers.first && made->end_layer == layers.end &&
        made->max_tokens == shape.max_tokens) {
      return made.get();
    }
  }
  const auto compile = [&](const nn::DecoderShape& of) {
    return compile_layers(source_, config_, of, options_.isa, pool_.size(), layout());
  };
  VERGE_TRY(runtime::Program prefill, compile(shape));
  VERGE_TRY(runtime::Program decode, compile(decode_shape(shape)));
  VERGE_RETURN_IF_ERROR(take_spare({&prefill, &decode}));
  VERGE_TRY(runtime::Plan prefill_plan, bind(std::move(prefill)));
  VERGE_TRY(runtime::Plan decode_plan, bind(std::move(decode)));
  parts_.push_back(std::make_unique<runtime::LayerPlans>(
      runtime::LayerPlans{layers.first, layers.end, shape.max_tokens, std::move(prefill_plan),
                          std::move(decode_plan)}));
  return parts_.back().get();
}

Result<runtime::LayerPlans*> LanguageModel::prepare_exit(int64_t layers) {
  VERGE_TRY(layers, exit_layers_of(config_, source_.path, layers));
  return prepare_layers({0, layers}, shape_.max_sequences);
}

Result<runtime::Plan> LanguageModel::bind(runtime::Program program) {
  return runtime::Plan::bind(std::move(program), weights_, states_, pool_, options_.canaries);
}

// Below a ceiling, weights are read past the page cache, those too that then stay.
Status LanguageModel::choose_residency(const runtime::PlanFile& compiled) {
  MemoryNeed need = need_of(source_, compiled, options_.layers);
  if (options_.memory_bytes > 0) {
    VERGE_TRY(runtime::Residency residency, model_residency(source_, compiled, options_, layout()));
    need = need_of(residency);
    spare_bytes_ = options_.memory_bytes - residency.total() + residency.fixed.later_bytes;
    if (residency.streams()) {
      drop_cached(source_);
      weights_.stream(std::move(residency));
    }
  }
  return check_memory(need, shape_.pages * shape_.page_tokens);
}

// Whether further programs' activations keep below the ceiling, if there is one.
Status LanguageModel::take_spare(std::initializer_list<const runtime::Program*> programs) {
  if (options_.memory_bytes == 0) return {};
  int64_t bytes = 0;
  for (const runtime::Program* program : programs) {
    bytes += runtime::added_bytes(*program, weights_.residency());
  }
  if (bytes > spare_bytes_) {
    return make_error(Code::OutOfMemory,
                      "{}: activations of {} more exceed the ceiling of {} by {}; allow that",
                      source_.path, show_bytes(bytes), show_bytes(options_.memory_bytes),
                      show_bytes(bytes - spare_bytes_));
  }
  spare_bytes_ -= bytes;
  return {};
}

Status LanguageModel::compile() {
  auto compiled = options_.plan.empty()
                      ? compile_model(source_, options_, pool_.size(), {}, layout())
                      : load_compiled(source_, options_);
  if (!compiled) return compiled.error();
  shape_ = shape_of(*compiled);
  shape_.layers = layers_;
  const nn::DecoderShape& shape = shape_;
  const int64_t context = shape.pages_per_sequence * shape.page_tokens;
  VERGE_RETURN_IF_ERROR(choose_residency(*compiled));
  VERGE_TRY(runtime::Plan prefill, bind(*compiled->find("prefill")));
  VERGE_TRY(runtime::Plan decode, bind(*compiled->find("decode")));
  std::string identity =
      fmt::format("{} {}", compiled->model, kernels::name(compiled->find("decode")->isa));
  if (layers_.end - layers_.first < config_.layers) {
    identity += fmt::format(" layers {}-{}", layers_.first, layers_.end);
  }
  decoder_ = std::make_unique<runtime::Decoder>(runtime::Decoder{
      .prefill = std::move(prefill),
      .decode = std::move(decode),
      .states = states_,
      .pool = runtime::KvPool(static_cast<int32_t>(shape.pages)),
      .first_layer = layers_.first,
      .layers = layers_.end - layers_.first,
      .vocab = config_.vocab,
      .d_model = config_.d_model,
      .max_tokens = shape.max_tokens,
      .max_outputs = shape.max_outputs,
      .max_sequences = shape.max_sequences,
      .min_chunk = kernels::least_tiled_tokens(config_.heads, config_.kv_heads),
      .page_tokens = shape.page_tokens,
      .context = options_.context > 0 ? options_.context : context,
      .identity = std::move(identity),
      .adapters = adapters_ == nullptr ? std::vector<std::string>{} : adapters_->identities(),
      .slowdown = {.factor = options_.slowdown},
  });
  return {};
}

}  // namespace verge::model
