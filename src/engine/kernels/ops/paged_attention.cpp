// Attention of new tokens over the paged caches of their sequences.

#include <algorithm>

#include <verge/engine/kernels/attention.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

using graph::KernelCall;

// The workspace begins with each worker's own list of the sequences, which is sooner made than
// waited for.
int64_t list_bytes(const KernelCall& call) {
  const int64_t most_sequences = call.in(2).shape[0];
  return (most_sequences * static_cast<int64_t>(sizeof(KvSequence)) + 63) / 64 * 64;
}

KvLayout layout_of(const TensorView& cache) {
  return {cache.dtype, cache.shape[2], cache.shape[4], cache.shape[3]};
}

int64_t most_sequences(const KernelCall& call) {
  return std::min(call.in(0).shape[0], call.in(2).shape[0]);
}

int64_t workspace_bytes(const KernelCall& call, int threads, Isa isa) {
  const TensorView& q = call.in(0);
  const size_t own = paged_attention_workspace_bytes(isa, layout_of(call.in(1)), q.shape[1],
                                                     q.shape[0], most_sequences(call), threads);
  return threads * list_bytes(call) + static_cast<int64_t>(own);
}

// Tokens of one sequence are adjacent and in order, so a run of equal numbers is a sequence.
int64_t find_sequences(const KernelCall& call, KvSequence* sequences) {
  const int32_t* of_token = call.in(3).as<int32_t>();
  const int32_t* positions = call.in(4).as<int32_t>();
  const int64_t tokens = call.in(0).shape[0], table_width = call.in(2).shape[1];
  int64_t count = 0;
  for (int64_t first = 0; first < tokens;) {
    int64_t last = first + 1;
    while (last < tokens && of_token[last] == of_token[first]) ++last;
    sequences[count++] = {call.in(2).as<int32_t>() + of_token[first] * table_width,
                          positions[last - 1] + 1, first, last - first};
    first = last;
  }
  return count;
}

void run(const KernelCall& call, Worker& worker, Isa isa) {
  const int64_t list = list_bytes(call);
  auto* sequences = reinterpret_cast<KvSequence*>(call.workspace + worker.index() * list);
  const TensorView& q = call.in(0);
  PagedAttention attention{.layout = layout_of(call.in(1)), .pool = call.in(1).data};
  attention.sequences = sequences;
  attention.sequence_count = find_sequences(call, sequences);
  attention.heads = q.shape[1];
  attention.scale = static_cast<float>(call.attrs.real("scale", 1));
  attention.soft_cap = static_cast<float>(call.attrs.real("softcap", 0));
  attention.window = call.attrs.integer("window", 0);
  attention.q = q.as<float>();
  attention.out = call.out().as<float>();
  attention.q_stride = attention.out_stride = q.shape[1] * q.shape[2];
  paged_attention(isa, attention, call.workspace + worker.count() * list, worker);
}

}  // namespace

KernelDef paged_attention() {
  return {.op = "paged_attention", .run = run, .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
