#include <verge/stages/serve/collab/position_sampler.hpp>

namespace verge::serve {
namespace {

constexpr uint64_t kMostDraws = 4;  // of one token

}  // namespace

Status check_position_sampling(const text::SamplerOptions& sampling, int32_t vocab) {
  VERGE_RETURN_IF_ERROR(text::validate(sampling, vocab));
  const bool penalizes = sampling.repetition_penalty != 1 || sampling.frequency_penalty != 0 ||
                         sampling.presence_penalty != 0;
  const char* option = penalizes                      ? "a penalty"
                       : sampling.mirostat_tau != 0   ? "mirostat"
                       : !sampling.logit_bias.empty() ? "logit_bias"
                                                      : nullptr;
  if (option == nullptr) return {};
  return make_error(Code::Unsupported,
                    "{} needs what never leaves the device; sample by temperature, top_k, top_p, "
                    "typical_p and min_p",
                    option);
}

Result<int32_t> sample_at(const text::SamplerOptions& sampling, std::span<const float> logits,
                          int64_t position) {
  VERGE_TRY(text::Sampler sampler,
            text::Sampler::create(sampling, static_cast<int32_t>(logits.size())));
  text::SamplerState state = sampler.state();
  state.rng_position = static_cast<uint64_t>(position) * kMostDraws;
  sampler.restore(state);
  return sampler.sample(logits);
}

}  // namespace verge::serve
