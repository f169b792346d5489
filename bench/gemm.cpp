// bench_gemm: gemm against oneDNN on square shapes and on those of small language models.
// Rates are medians of seven runs after a warm-up, both libraries on the same threads.
//   bench_gemm [threads] [f32|bf16]

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <dnnl.hpp>
#include <omp.h>

#include <verge/core/tensor.hpp>
#include <verge/engine/kernels/gemm.hpp>

#include "timing.hpp"

using namespace verge;
using namespace verge::bench;
using namespace verge::kernels;

namespace {

struct Case {
  int64_t m, n, k;
  bool b_transposed;
};

double onednn_seconds(const Case& shape, bool bf16, std::vector<float>& a, std::vector<float>& b,
                      std::vector<float>& c) {
  using namespace dnnl;
  static engine cpu(engine::kind::cpu, 0);
  static stream queue(cpu);
  using Type = memory::data_type;
  using Tag = memory::format_tag;
  const Type type = bf16 ? Type::bf16 : Type::f32;
  const memory::desc in(memory::dims{shape.m, shape.k}, type, Tag::ab);
  const memory::desc weights(memory::dims{shape.k, shape.n}, type,
                             shape.b_transposed ? Tag::ba : Tag::ab);
  const memory::desc out(memory::dims{shape.m, shape.n}, Type::f32, Tag::ab);
  matmul product(matmul::primitive_desc(matmul::desc(in, weights, out), cpu));
  memory a_memory(in, cpu, a.data());
  memory b_memory(weights, cpu, b.data());
  memory c_memory(out, cpu, c.data());
  return median_seconds([&] {
    product.execute(
        queue, {{DNNL_ARG_SRC, a_memory}, {DNNL_ARG_WEIGHTS, b_memory}, {DNNL_ARG_DST, c_memory}});
    queue.wait();
  });
}

void run(const Case& shape, bool bf16, ThreadPool& pool) {
  std::vector<float> a = random_floats(shape.m * shape.k), b = random_floats(shape.n * shape.k);
  std::vector<float> c(shape.m * shape.n);
  const Gemm product{.m = shape.m,
                     .n = shape.n,
                     .k = shape.k,
                     .a = {a.data(), shape.k},
                     .b = {b.data(), shape.b_transposed ? shape.k : shape.n, shape.b_transposed},
                     .c = c.data(),
                     .c_stride = shape.n,
                     .compute = bf16 ? Compute::Bf16 : Compute::F32};
  const AlignedBuffer workspace = allocate_aligned(gemm_workspace_bytes(best_isa(), product));
  const double ours = median_seconds([&] {
    pool.run([&](Worker& worker) { gemm(best_isa(), product, workspace.get(), worker); });
  });
  const double peer = onednn_seconds(shape, bf16, a, b, c);
  const double giga = 2e-9 * static_cast<double>(shape.m) * static_cast<double>(shape.n) *
                      static_cast<double>(shape.k);
  std::printf("%5ld x %5ld x %5ld %s  verge %6.1f  oneDNN %6.1f GFLOP/s  ratio %.2f\n", shape.m,
              shape.n, shape.k, shape.b_transposed ? "B^T" : "B  ", giga / ours, giga / peer,
              peer / ours);
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 2;
  const bool bf16 = argc > 2 && std::strcmp(argv[2], "bf16") == 0;
  omp_set_num_threads(threads);
  ThreadPool pool(threads);
  const Case cases[] = {
      {512, 512, 512, false},   {1024, 1024, 1024, false}, {2048, 2048, 2048, false},
      {2048, 2048, 2048, true}, {1024, 256, 256, true},    {1024, 768, 256, true},
      {1024, 256, 768, true},   {1024, 1536, 512, true},   {1024, 512, 1536, false},
      {1024, 2048, 256, true},  {256, 1536, 1024, false},  {1024, 32000, 256, true}};
  for (const Case& shape : cases) run(shape, bf16, pool);
}
