#pragma once
// How a parameter of levels takes a step of gradient descent: p' = clip(p - lr g / scale^2), where
// scale is a level of its channel. Division by its square is Quantization-Aware Scaling (Lin et al.
// 2022, "On-Device Training Under 256KB Memory", section 3.1): by levels, gradients are smaller by
// one scale and weights larger by one, so that plain descent moves them by scale^2 too little.
// A step is mostly much smaller than a level. It is rounded up or down at random, in the mean to
// itself, by a counter-based draw, so that equal runs are equal; a weight may also keep a
// remainder, its distance from the level in 1/256 of one, to lose less by rounding (decision 0021).

#include <algorithm>
#include <cmath>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::graph {

struct LevelUpdate {
  float learning_rate = 0;
  float ratio = 0;  // scale over multiplier; 0: no scaling
  float weight_decay = 0;
  int64_t step = 0, stream = 0;

  /// By the attributes {ratio, weight_decay, stream}.
  LevelUpdate(const Attrs& attrs, float rate, int64_t step_number)
      : learning_rate(rate),
        ratio(static_cast<float>(attrs.real("ratio", 0))),
        weight_decay(static_cast<float>(attrs.real("weight_decay", 0))),
        step(step_number),
        stream(attrs.integer("stream")) {}

  /// What a channel's gradients are multiplied with; `multiplier` null: unscaled.
  float factor(const float* multiplier, int64_t channel) const {
    if (multiplier == nullptr || ratio == 0) return learning_rate;
    const float scale = multiplier[channel] * ratio;
    return learning_rate / (scale * scale);
  }

  /// Draws for the elements from `first` on.
  Rng draws(int64_t first) const {
    Rng rng(static_cast<uint64_t>(step), static_cast<uint64_t>(stream));
    rng.seek(static_cast<uint64_t>(first));
    return rng;
  }

  /// A weight within +-127, with its remainder unless that is null.
  void weight(int8_t& p, int8_t* remainder, float grad, float factor_of, Rng& rng) const {
    const float delta = descent(static_cast<float>(p), grad, factor_of);
    if (remainder == nullptr) {
      p = static_cast<int8_t>(std::clamp<int64_t>(p + rounded(delta, rng), -127, 127));
      return;
    }
    const int64_t fine = std::clamp<int64_t>(256 * p + *remainder + rounded(256 * delta, rng),
                                             -127 * 256 - 128, 127 * 256 + 127);
    const int64_t level = (fine + 128) >> 8;
    p = static_cast<int8_t>(level);
    *remainder = static_cast<int8_t>(fine - 256 * level);
  }

  void bias(int32_t& p, float grad, float factor_of, Rng& rng) const {
    constexpr int64_t kMost = int64_t{1} << 30;
    const float delta = descent(static_cast<float>(p), grad, factor_of);
    p = static_cast<int32_t>(std::clamp<int64_t>(p + rounded(delta, rng), -kMost, kMost));
  }

 private:
  float descent(float p, float grad, float factor_of) const {
    return -grad * factor_of - learning_rate * weight_decay * p;
  }
  // Nothing for what is no number; at most 2^31.
  static int64_t rounded(float x, Rng& rng) {
    const float draw = rng.uniform();
    if (std::isnan(x)) return 0;
    return static_cast<int64_t>(std::floor(std::clamp(x, -0x1p31f, 0x1p31f) + draw));
  }
};

/// The inputs that updates of levels share, from `first` on: optional multiplier f32 [channels],
/// optional remainder i8 like p (input 0), lr f32 [], step i64 []. Outputs p' and the remainder.
Status infer_level_update(InferContext& context, size_t first);

}  // namespace verge::graph
