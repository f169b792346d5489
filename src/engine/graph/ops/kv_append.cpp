// Writes the keys and values of new tokens into the pages of the KV cache, in place.

#include <algorithm>
#include <cmath>
#include <cstring>

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: cache [pages, 2, kv_heads, page_tokens, head_dim] (index 1: 0 = keys, 1 = values),
// k [tokens, kv_heads, head_dim], v like k, slots i32 [writes] (page * page_tokens + offset), and
// slot_tokens i32 [writes], the token that goes into each; a token may go into several.
// Output: the cache, overwritten.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(5));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "cache", 5));
  VERGE_RETURN_IF_ERROR(expect_dim(context, 0, "cache", 1, 2));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "k", 3));
  VERGE_RETURN_IF_ERROR(expect_dim(context, 1, "k", 1, context.dims(0)[2]));
  VERGE_RETURN_IF_ERROR(expect_dim(context, 1, "k", 2, context.dims(0)[4]));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "v", context.dims(1)));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 3, "slots", DType::I32));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 3, "slots", 1));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 4, "slot_tokens", DType::I32));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 4, "slot_tokens", context.dims(3)));
  const DType stored = context.type(0).dtype;
  const bool whole_blocks = context.dims(0)[4].factor % info(stored).block_size == 0;
  if (is_quantized(stored) && (stored != DType::Q8_0 || !whole_blocks)) {
    return context.fail("a cache is f32, f16, bf16 or q8_0 with head_dim a multiple of 32");
  }
  context.outputs = {context.type(0)};
  return {};
}

Cost cost(const KernelCall& call) {
  const double count = 2 * static_cast<double>(call.in(1).shape.count());
  return {0, 8 * count};
}

// One block of 32 values: the scale as f16, then value / scale as int8 (GGUF's q8_0).
void write_q8_0(std::byte* target, const double* values) {
  double largest = 0;
  for (int i = 0; i < 32; ++i) largest = std::max(largest, std::abs(values[i]));
  const auto scale = static_cast<float>(largest / 127);
  const uint16_t stored = f32_to_f16(scale);
  std::memcpy(target, &stored, sizeof stored);
  for (int i = 0; i < 32; ++i) {
    const double quantized = scale > 0 ? std::round(values[i] / scale) : 0;
    target[2 + i] = static_cast<std::byte>(static_cast<int8_t>(quantized));
  }
}

// One head of one token: the row of the cache it goes to.
void write_row(const TensorView& cache, int64_t row, const double* values) {
  const int64_t head_dim = cache.shape.back();
  std::byte* target = cache.as<std::byte>() + row * bytes_of(cache.dtype, head_dim);
  if (cache.dtype != DType::Q8_0) {
    return store({target, cache.dtype, Shape{head_dim}}, {values, values + head_dim});
  }
  const int64_t block_bytes = info(DType::Q8_0).block_bytes;
  for (int64_t i = 0; i < head_dim / 32; ++i) write_q8_0(target + i * block_bytes, values + i * 32);
}

void reference(const KernelCall& call) {
  const TensorView& cache = call.out();
  if (cache.data != call.in(0).data) {
    std::memcpy(cache.data, call.in(0).data, static_cast<size_t>(cache.bytes()));
  }
  const int64_t kv_heads = cache.shape[2], page_tokens = cache.shape[3], head_dim = cache.shape[4];
  const std::vector<double> sides[] = {load(call.in(1)), load(call.in(2))};
  const std::vector<double> slots = load(call.in(3)), tokens = load(call.in(4));
  for (size_t i = 0; i < slots.size(); ++i) {
    const auto slot = static_cast<int64_t>(slots[i]);
    const auto token = static_cast<int64_t>(tokens[i]);
    const int64_t page = slot / page_tokens, offset = slot % page_tokens;
    VERGE_CHECK(slot >= 0 && page < cache.shape[0], slot, cache.shape.str());
    VERGE_CHECK(token >= 0 && token < call.in(1).shape[0], token, call.in(1).shape.str());
    for (int64_t side = 0; side < 2; ++side) {
      for (int64_t head = 0; head < kv_heads; ++head) {
        const int64_t row = ((page * 2 + side) * kv_heads + head) * page_tokens + offset;
        const int64_t source = (token * kv_heads + head) * head_dim;
        write_row(cache, row, sides[side].data() + source);
      }
    }
  }
}

}  // namespace

OpDef kv_append() {
  return {.name = "kv_append",
          .infer = infer,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 0, true}}};
}

}  // namespace verge::graph::ops
