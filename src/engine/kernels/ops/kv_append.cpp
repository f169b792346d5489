// Writes the keys and values of new tokens into the pages of a KV cache.

#include <verge/engine/kernels/attention.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

using graph::KernelCall;

KvLayout layout_of(const TensorView& cache) {
  return {cache.dtype, cache.shape[2], cache.shape[4], cache.shape[3]};
}

// Each token is written as a sequence of its own, whose only page is the one its slot lies in.
struct Scratch {
  KvSequence* sequences;
  int32_t* pages;
};

Scratch scratch_of(const KernelCall& call, int64_t tokens) {
  auto* sequences = reinterpret_cast<KvSequence*>(call.workspace);
  return {sequences, reinterpret_cast<int32_t*>(sequences + tokens)};
}

int64_t workspace_bytes(const KernelCall& call, int, Isa) {
  return call.in(3).shape.count() * static_cast<int64_t>(sizeof(KvSequence) + sizeof(int32_t));
}

void run(const KernelCall& call, Worker& worker, Isa isa) {
  const KvLayout layout = layout_of(call.in(0));
  const int64_t tokens = call.in(3).shape.count();
  const Scratch scratch = scratch_of(call, tokens);
  if (worker.index() == 0) {
    for (int64_t t = 0; t < tokens; ++t) {
      const int64_t slot = call.in(3).as<int32_t>()[t];
      scratch.pages[t] = static_cast<int32_t>(slot / layout.page_tokens);
      scratch.sequences[t] = {scratch.pages + t, slot % layout.page_tokens + 1, t, 1};
    }
  }
  worker.sync();
  const int64_t stride = layout.kv_heads * layout.head_dim;
  kv_append(isa, layout, call.out().data, scratch.sequences, tokens, call.in(1).as<float>(), stride,
            call.in(2).as<float>(), stride, worker);
}

}  // namespace

KernelDef kv_append() {
  return {.op = "kv_append", .run = run, .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
