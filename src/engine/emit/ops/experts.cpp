// Mixtures of experts: the router's choice, products with the chosen, and their sum.

#include <verge/engine/emit/c_op.hpp>
#include <verge/engine/emit/shared_code.hpp>

namespace verge::emit::ops {
namespace {

constexpr std::string_view kTopExperts = R"(
/* The k experts of largest score of each token, of equal ones the lower, and their weights. */
static void op_top_k_experts(const float *scores, int32_t *ids, float *weights, long tokens,
                             long experts, long k, int is_sigmoid, int normalize) {
  for (long token = 0; token < tokens; ++token, scores += experts, ids += k, weights += k) {
    float all = 0, chosen = 0;
    for (long i = 0; i < k; ++i) {
      long best = -1;
      for (long expert = 0; expert < experts; ++expert) {
        int is_taken = 0;
        for (long before = 0; before < i; ++before) is_taken |= ids[before] == expert;
        if (!is_taken && (best < 0 || scores[expert] > scores[best])) best = expert;
      }
      ids[i] = (int32_t)best;
    }
    for (long expert = 0; expert < experts; ++expert) all += expf(scores[expert] - scores[ids[0]]);
    for (long i = 0; i < k; ++i) {
      const float score = scores[ids[i]];
      weights[i] = is_sigmoid ? 1 / (1 + expf(-score)) : expf(score - scores[ids[0]]) / all;
      chosen += weights[i];
    }
    for (long i = 0; normalize && i < k; ++i) weights[i] /= chosen;
  }
}
)";

void top_k_experts(CNode& node) {
  if (!node.wants(0) || !node.wants(1)) return node.fail("an output that nobody reads");
  const Shape scores = node.in(0);
  node.call("op_top_k_experts", node.read(0), node.write(0, DType::I32), node.write(1), scores[0],
            scores[1], node.attrs().integer("k"),
            node.attrs().text("gate", "softmax") == "sigmoid" ? 1 : 0,
            node.attrs().integer("normalize") != 0 ? 1 : 0);
}

constexpr std::string_view kExpertLinear = R"(
/* Each token's products with its k experts w [experts][out][in]: x [tokens][x_rows][in], where
   x_rows is k or 1. */
static void op_expert_linear(const float *x, const float *w, const int32_t *ids, float *y,
                             long pairs, long k, long x_rows, long out, long in) {
  for (long pair = 0; pair < pairs; ++pair) {
    const float *from = x + (pair / k * x_rows + (x_rows == 1 ? 0 : pair % k)) * in;
    for (long o = 0; o < out; ++o) *y++ = dot(from, w + (ids[pair] * out + o) * in, in);
  }
}
)";

constexpr std::string_view kExpertLinearBlocks = R"(
/* Each token's products with its k experts, of weights in blocks, rows of `row_bytes`:
   x [tokens][x_rows][in], where x_rows is k or 1. */
static void op_expert_linear_blocks(const float *x, const unsigned char *w, const int32_t *ids,
                                    float *y, long pairs, long k, long x_rows, long out, long in,
                                    long row_bytes,
                                    float (*dot_of)(const float *, const unsigned char *, long)) {
  for (long pair = 0; pair < pairs; ++pair) {
    const float *from = x + (pair / k * x_rows + (x_rows == 1 ? 0 : pair % k)) * in;
    for (long o = 0; o < out; ++o) *y++ = dot_of(from, w + (ids[pair] * out + o) * row_bytes, in);
  }
}
)";

void expert_linear(CNode& node) {
  const CWeights weights = node.weights(1);
  const Shape x = node.in(0), w = node.in(1), ids = node.in(2);
  if (weights.blocks == nullptr) {
    node.use(kDot);
    node.use(kExpertLinear);
    return node.call("op_expert_linear", node.read(0), weights.pointer, node.read(2, DType::I32),
                     node.write(), ids.count(), ids[1], x[1], w[1], w[2]);
  }
  node.use_dot(*weights.blocks);
  node.use(kExpertLinearBlocks);
  node.call("op_expert_linear_blocks", node.read(0), weights.pointer, node.read(2, DType::I32),
            node.write(), ids.count(), ids[1], x[1], w[1], w[2],
            bytes_of(weights.blocks->dtype, w[2]), fmt::format("dot_{}", weights.blocks->name));
}

constexpr std::string_view kExpertCombine = R"(
/* y [tokens][width]: what the experts made, x [tokens][k][width], by their weights. */
static void op_expert_combine(const float *x, const float *weights, float *y, long tokens, long k,
                              long width) {
  for (long token = 0; token < tokens; ++token, y += width) {
    for (long j = 0; j < width; ++j) y[j] = 0;
    for (long i = 0; i < k; ++i, x += width) {
      for (long j = 0; j < width; ++j) y[j] += weights[token * k + i] * x[j];
    }
  }
}
)";

void expert_combine(CNode& node) {
  const Shape x = node.in(0);
  node.call("op_expert_combine", node.read(0), node.read(1), node.write(), x[0], x[1], x[2]);
}

}  // namespace

COpGroup experts() {
  return {{
      {"top_k_experts", {}, std::string(kTopExperts), {"gate", "k", "normalize"}, 1, top_k_experts},
      {"expert_linear", {}, "", {}, 3, expert_linear},
      {"expert_combine", {}, std::string(kExpertCombine), {}, 2, expert_combine},
  }};
}

}  // namespace verge::emit::ops
