// Attention of new tokens over the pages of a KV cache that kv_append has filled. Each token sees
// the positions up to its own in its own sequence. Pages: Kwon et al. 2023; grouped heads: Ainslie
// et al. 2023; soft cap of the scores: Gemma 2, section 2.

#include <cmath>

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/softmax.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: q [tokens, heads, head_dim], cache [pages, 2, kv_heads, page_tokens, head_dim],
// page_table i32 [sequences, max_pages], token_sequence i32 [tokens], positions i32 [tokens].
// Output o like q. Tokens of one sequence are adjacent, with rising positions.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(5));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "q", 3));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "cache", 5));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 2, "page_table", 2));
  const Dims& q = context.dims(0);
  VERGE_RETURN_IF_ERROR(expect_dim(context, 1, "cache", 4, q[2]));
  if (q[1].factor % context.dims(1)[2].factor != 0) {
    return context.fail(fmt::format("q has {} heads, no multiple of the cache's {}", q[1].factor,
                                    context.dims(1)[2].factor));
  }
  const int64_t page_tokens = context.node.attrs.integer("page_tokens");
  VERGE_RETURN_IF_ERROR(expect_dim(context, 1, "cache", 3, page_tokens));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 3, "token_sequence", {q[0]}));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 4, "positions", {q[0]}));
  for (size_t i = 2; i < 5; ++i) {
    VERGE_RETURN_IF_ERROR(expect_dtype(context, i, fmt::format("input {}", i), DType::I32));
  }
  context.outputs = {{compute_dtype(context.type(0).dtype), q}};
  return {};
}

// At the longest context the page table can hold: the actual one is known to the caller only.
Cost cost(const KernelCall& call) {
  const Shape& cache = call.in(1).shape;
  const double context = static_cast<double>(call.in(2).shape[1] * cache[3]);
  const double row_bytes = static_cast<double>(bytes_of(call.in(1).dtype, cache[4]));
  const double sequences = static_cast<double>(call.in(2).shape[0]);
  const double count = static_cast<double>(call.in(0).shape.count());
  return {4 * count * context,
          8 * count + 2 * sequences * context * static_cast<double>(cache[2]) * row_bytes};
}

// Where the keys (side 0) or values (side 1) of a sequence stand in the cache.
struct Pages {
  const TensorView& cache;
  std::vector<double> table;
  int64_t max_pages;

  std::vector<double> row(int64_t sequence, int64_t position, int64_t side, int64_t head) const {
    const int64_t page_tokens = cache.shape[3];
    const auto entry = static_cast<size_t>(sequence * max_pages + position / page_tokens);
    const auto page = static_cast<int64_t>(table[entry]);
    const int64_t block = (page * 2 + side) * cache.shape[2] + head;
    return load_rows(cache, block * page_tokens + position % page_tokens, 1);
  }
};

// The output of one head of one token, written to `o`.
void attend(const KernelCall& call, const Pages& pages, const double* q, int64_t sequence,
            int64_t position, int64_t kv_head, double* o) {
  const auto head_dim = static_cast<size_t>(call.in(0).shape[2]);
  const int64_t window = call.attrs.integer("window");
  const double cap = call.attrs.real("softcap");
  const int64_t first = window > 0 ? std::max<int64_t>(0, position - window + 1) : 0;
  std::vector<double> scores;
  for (int64_t at = first; at <= position; ++at) {
    const std::vector<double> key = pages.row(sequence, at, 0, kv_head);
    double dot = 0;
    for (size_t i = 0; i < head_dim; ++i) dot += q[i] * key[i];
    dot *= call.attrs.real("scale", 1);
    scores.push_back(cap > 0 ? cap * std::tanh(dot / cap) : dot);
  }
  softmax_row(scores);
  std::fill(o, o + head_dim, 0.0);
  for (int64_t at = first; at <= position; ++at) {
    const std::vector<double> value = pages.row(sequence, at, 1, kv_head);
    for (size_t i = 0; i < head_dim; ++i)
      o[i] += scores[static_cast<size_t>(at - first)] * value[i];
  }
}

void reference(const KernelCall& call) {
  const std::vector<double> q = load(call.in(0));
  const std::vector<double> sequences = load(call.in(3)), positions = load(call.in(4));
  const Pages pages{call.in(1), load(call.in(2)), call.in(2).shape[1]};
  const int64_t heads = call.in(0).shape[1], head_dim = call.in(0).shape[2];
  const int64_t group = heads / call.in(1).shape[2];
  std::vector<double> o(q.size());
  for (size_t t = 0; t < positions.size(); ++t) {
    for (int64_t head = 0; head < heads; ++head) {
      const int64_t first = (static_cast<int64_t>(t) * heads + head) * head_dim;
      attend(call, pages, q.data() + first, static_cast<int64_t>(sequences[t]),
             static_cast<int64_t>(positions[t]), head / group, o.data() + first);
    }
  }
  store(call.out(), o);
}

}  // namespace

OpDef paged_attention() {
  return {.name = "paged_attention", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
