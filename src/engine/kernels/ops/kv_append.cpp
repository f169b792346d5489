// Writes the keys and values of new tokens into the pages of a KV cache.

#include <verge/engine/kernels/attention.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

using graph::KernelCall;

KvLayout layout_of(const TensorView& cache) {
  return {cache.dtype, cache.shape[2], cache.shape[4], cache.shape[3]};
}

// Each slot is written as a sequence of its own of one token, whose only page is the one it lies
// in. The list is made by every worker for itself.
int64_t list_bytes(int64_t slots) {
  const int64_t bytes = slots * static_cast<int64_t>(sizeof(KvSequence) + sizeof(int32_t));
  return (bytes + 63) / 64 * 64;
}

int64_t workspace_bytes(const KernelCall& call, int threads, Isa) {
  return threads * list_bytes(call.in(3).shape.count());
}

void run(const KernelCall& call, Worker& worker, Isa isa) {
  const KvLayout layout = layout_of(call.in(0));
  const int64_t slots = call.in(3).shape.count();
  auto* sequences =
      reinterpret_cast<KvSequence*>(call.workspace + worker.index() * list_bytes(slots));
  auto* pages = reinterpret_cast<int32_t*>(sequences + slots);
  for (int64_t i = 0; i < slots; ++i) {
    const int64_t slot = call.in(3).as<int32_t>()[i];
    pages[i] = static_cast<int32_t>(slot / layout.page_tokens);
    sequences[i] = {pages + i, slot % layout.page_tokens + 1, call.in(4).as<int32_t>()[i], 1};
  }
  const int64_t stride = layout.kv_heads * layout.head_dim;
  kv_append(isa, layout, call.out().data, sequences, slots, call.in(1).as<float>(), stride,
            call.in(2).as<float>(), stride, worker);
}

}  // namespace

KernelDef kv_append() {
  return {.op = "kv_append", .run = run, .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
