#include <algorithm>
#include <cmath>

#include <verge/engine/text/sampler_stages.hpp>
#include <verge/platform/net/codec/tensor_codec.hpp>
#include <verge/stages/serve/collab/codec_trial.hpp>

namespace verge::serve {
namespace {

// log of the sum of exp(logits).
double log_sum(std::span<const float> logits) {
  const double largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return largest + std::log(sum);
}

}  // namespace

double kl_divergence(std::span<const float> logits, std::span<const float> others) {
  VERGE_CHECK(!logits.empty() && logits.size() == others.size(), logits.size(), others.size());
  const double norm = log_sum(logits), other_norm = log_sum(others);
  double kl = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double log_p = logits[i] - norm, log_q = others[i] - other_norm;
    const double p = std::exp(log_p);
    if (p > 0) kl += p * (log_p - log_q);
  }
  return kl;
}

Result<CodecTrial> CodecTrial::create(model::LanguageModel& model, int64_t exit, std::string codec,
                                      const Clock& clock) {
  VERGE_RETURN_IF_ERROR(net::packed_bytes(codec, {1}));
  VERGE_TRY(runtime::LayerPlans * upper, model.prepare_layers({exit, 0}));
  return CodecTrial(model.decoder(), *upper, std::move(codec), clock);
}

Result<bool> CodecTrial::run(std::span<const int32_t> tokens, std::span<const float> states,
                             std::span<const float> whole) {
  const Shape shape = {std::ssize(tokens), std::ssize(states) / std::ssize(tokens)};
  const double begin_s = clock_->seconds();
  VERGE_TRY(const PackedTensor packed, net::pack(codec_, states, shape));
  pack_s_ += clock_->seconds() - begin_s;
  states_ += std::ssize(tokens);
  bytes_ += std::ssize(packed.data);
  VERGE_TRY(const std::vector<float> received, net::unpack(packed, std::ssize(states)));
  const runtime::StepItem item{
      .sequence = &sequence_, .tokens = tokens, .states = received, .first = sequence_.length()};
  VERGE_RETURN_IF_ERROR(runtime::run_layers(*upper_, *decoder_, {&item, 1}));
  const std::span<const float> logits = runtime::step_logits(*decoder_, 0);
  kl_ += kl_divergence(whole, logits);
  const bool agrees = text::argmax(logits) == text::argmax(whole);
  agreeing_ += agrees;
  ++runs_;
  return agrees;
}

CodecLoss CodecTrial::loss() const {
  const auto runs = static_cast<double>(std::max<int64_t>(1, runs_));
  const auto states = static_cast<double>(std::max<int64_t>(1, states_));
  return {.codec = codec_,
          .kl = kl_ / runs,
          .top1 = static_cast<double>(agreeing_) / runs,
          .bytes = static_cast<double>(bytes_) / states,
          .encode_s = pack_s_ / states,
          .predictions = runs_};
}

size_t choose_codec(std::span<const CodecLoss> losses, const CodecChoice& choice) {
  VERGE_CHECK(!losses.empty(), losses.size());
  const auto cost = [&](const CodecLoss& loss) {
    const double rate = choice.link_bytes_per_s;
    return rate > 0 ? std::pair(loss.encode_s + loss.bytes / rate, 0.0)
                    : std::pair(loss.bytes, loss.encode_s);
  };
  const auto is_worse = [&](const CodecLoss& a, const CodecLoss& b) {
    const bool a_fits = a.kl <= choice.most_kl, b_fits = b.kl <= choice.most_kl;
    if (a_fits != b_fits) return a_fits < b_fits;
    return a_fits ? cost(a) > cost(b) : a.kl > b.kl;
  };
  size_t best = 0;
  for (size_t i = 1; i < losses.size(); ++i) {
    if (is_worse(losses[best], losses[i])) best = i;
  }
  return best;
}

}  // namespace verge::serve
