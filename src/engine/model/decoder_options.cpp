#include <algorithm>

#include <verge/engine/model/decoder_options.hpp>

namespace verge::model {
namespace {

constexpr int64_t kPageTokens = 32;
constexpr int64_t kDefaultContext = 4096;
constexpr int64_t kMostTokens = int64_t{1} << 30;
constexpr int64_t kMostSequences = 4096;

}  // namespace

nn::DecoderShape decoder_shape(const nn::DecoderConfig& config, const LoadOptions& options) {
  const int64_t context =
      options.context > 0 ? options.context : std::min(config.context, kDefaultContext);
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

}  // namespace verge::model
