// The k best experts of each token and their weights (Shazeer et al. 2017; Jiang et al. 2024).

#include <algorithm>
#include <cmath>

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

// Fills ids and weights of one token. Ties go to the lower expert.
void choose(const float* logits, int64_t experts, int64_t k, bool normalize, int32_t* ids,
            float* weights) {
  const float largest = *std::max_element(logits, logits + experts);
  double total = 0;
  for (int64_t e = 0; e < experts; ++e) total += std::exp(static_cast<double>(logits[e] - largest));
  double chosen = 0;
  for (int64_t i = 0; i < k; ++i) {
    int32_t best = -1;
    for (int32_t e = 0; e < experts; ++e) {
      if (std::find(ids, ids + i, e) != ids + i) continue;
      if (best < 0 || logits[e] > logits[best]) best = e;
    }
    ids[i] = best;
    const double weight = std::exp(static_cast<double>(logits[best] - largest)) / total;
    weights[i] = static_cast<float>(weight);
    chosen += weight;
  }
  if (!normalize) return;
  for (int64_t i = 0; i < k; ++i) weights[i] = static_cast<float>(weights[i] / chosen);
}

bool supports(const graph::KernelCall& call) {
  return call.in(0).dtype == DType::F32 && call.attrs.text("gate", "softmax") == "softmax" &&
         call.wants(0) == call.wants(1);
}

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const int64_t experts = call.in(0).shape.back(), k = call.attrs.integer("k");
  const auto [first, last] = worker.split(call.in(0).shape.rows());
  for (int64_t t = first; t < last; ++t) {
    choose(f32(call, 0) + t * experts, experts, k, call.attrs.integer("normalize") != 0,
           call.out(0).as<int32_t>() + t * k, call.out(1).as<float>() + t * k);
  }
}

}  // namespace

KernelDef top_k_experts() {
  return {.op = "top_k_experts", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
