#include <algorithm>

#include <fmt/ranges.h>

#include <verge/engine/model/decoder_options.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/split_facts.hpp>

namespace verge::model {
namespace {

constexpr int64_t kPageTokens = 32;
constexpr int64_t kDefaultContext = 4096;
constexpr int64_t kMostTokens = int64_t{1} << 30;
constexpr int64_t kMostSequences = 4096;

}  // namespace

int64_t context_of(const nn::DecoderConfig& config, const LoadOptions& options) {
  return options.context > 0 ? options.context : std::min(config.context, kDefaultContext);
}

nn::DecoderShape decoder_shape(const nn::DecoderConfig& config, const LoadOptions& options) {
  const int64_t context = context_of(config, options);
  nn::DecoderShape shape;
  shape.max_sequences = options.max_sequences;
  shape.max_tokens = std::max(std::min(options.max_tokens, context * options.max_sequences),
                              options.max_sequences);
  shape.max_outputs =
      std::min(std::max(options.max_outputs, options.max_sequences), shape.max_tokens);
  shape.page_tokens = kPageTokens;
  shape.pages_per_sequence = (context + kPageTokens - 1) / kPageTokens;
  shape.pages = options.kv_tokens > 0 ? (options.kv_tokens + kPageTokens - 1) / kPageTokens
                                      : shape.pages_per_sequence;
  shape.kv_dtype = options.kv_dtype;
  shape.layers = options.layers;
  return shape;
}

nn::DecoderShape decode_shape(nn::DecoderShape shape) {
  shape.max_tokens = shape.max_outputs = shape.max_sequences = 1;
  return shape;
}

Status check_options(const nn::DecoderConfig& config, const LoadOptions& options) {
  if (options.context < 0 || options.context > kMostTokens) {
    return make_error(Code::InvalidArgument, "a context of {} tokens; give 1 to 2^30",
                      options.context);
  }
  if (options.kv_tokens < 0 || options.kv_tokens > kMostTokens) {
    return make_error(Code::InvalidArgument, "a KV cache of {} tokens; give 1 to 2^30",
                      options.kv_tokens);
  }
  if (options.max_sequences < 1 || options.max_sequences > kMostSequences) {
    return make_error(Code::InvalidArgument, "{} sequences at once; give 1 to {}",
                      options.max_sequences, kMostSequences);
  }
  if (options.kv_dtype == DType::Q8_0 && config.head_dim % 32 != 0) {
    return make_error(
        Code::InvalidArgument,
        "a q8_0 KV cache needs heads of a multiple of 32, the model's are {}; use f16",
        config.head_dim);
  }
  return {};
}

Result<nn::LayerSpan> layers_to_load(const format::ModelSource& source,
                                     const nn::DecoderConfig& config, const LoadOptions& options) {
  VERGE_TRY(const nn::LayerSpan held, layers_of(source, config));
  const nn::LayerSpan asked = config.resolve(options.layers);
  if (asked.first < 0 || asked.first >= asked.end || asked.end > config.layers) {
    return make_error(Code::InvalidArgument, "{}: layers {} to {} of {}; give a range of them",
                      source.path, asked.first, asked.end, config.layers);
  }
  if (asked.first < held.first || asked.end > held.end) {
    return make_error(Code::Unsupported,
                      "{}: the file of layers {} to {} of {}, split from a model; layers {} to {} "
                      "are asked for: give the whole model",
                      source.path, held.first, held.end, config.layers, asked.first, asked.end);
  }
  if (asked.end < config.layers) {
    VERGE_RETURN_IF_ERROR(exit_layers_of(config, source.path, asked.end));
  }
  return asked;
}

Status make_room_for_paths(const std::string& path, int64_t paths, LoadOptions& options) {
  if (paths <= 1) return {};
  VERGE_TRY(const format::ModelSource source, format::ModelSource::open(path));
  VERGE_TRY(const nn::DecoderConfig config, nn::read_config(FileFacts(source)));
  const nn::DecoderShape shape = decoder_shape(config, options);
  options.max_sequences = paths;
  options.kv_tokens = (shape.pages_per_sequence + 2 * (paths - 1)) * shape.page_tokens;
  return {};
}

Result<int64_t> exit_layers_of(const nn::DecoderConfig& config, const std::string& path,
                               int64_t layers) {
  const std::vector<int64_t>& known = config.exit_layers;
  if (layers == 0 && !known.empty()) return std::ranges::min(known);
  if (std::ranges::find(known, layers) != known.end()) return layers;
  return make_error(Code::Unsupported, "{}: no exit head after {} layers; it has {}", path, layers,
                    known.empty() ? "none: train with --exits"
                                  : fmt::format("some after {}", fmt::join(known, ", ")));
}

}  // namespace verge::model
