// bench_qmatmul [threads] [type ...]: matrix products with packed weights, every type. One token
// against the speed of memory, 512 tokens against that of the multiplier, both measured here.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <verge/core/tensor.hpp>
#include <verge/engine/kernels/machine_rates.hpp>
#include <verge/engine/kernels/matmul.hpp>

#include "timing.hpp"

namespace verge::bench {
namespace {

using namespace kernels;

// A matrix far larger than the last-level cache for decoding, and a feed-forward layer of
// Qwen2.5-0.5B, with columns that all types take, for prefill.
constexpr int64_t kDecodeCols = 4096, kDecodeBytes = 192 << 20;
constexpr int64_t kPrefillRows = 4864, kPrefillCols = 1024, kPrefillTokens = 512;

struct Run {
  ThreadPool& pool;
  Isa isa;
  SystemClock clock;
};

// Small valid blocks: all bits 0x11 give every scale and value something moderate.
AlignedBuffer weights(DType type, int64_t rows, int64_t cols) {
  const int64_t bytes = packed_bytes(type, rows, cols);
  AlignedBuffer memory = allocate_aligned(bytes);
  std::memset(memory.get(), 0x11, bytes);
  return memory;
}

double seconds_of(const Run& run, DType type, const void* packed, int64_t rows, int64_t cols,
                  int64_t tokens) {
  const std::vector<float> x(tokens * cols, 0.5f);
  std::vector<float> y(tokens * rows);
  const ActivationKind kind = activation_kind(type);
  AlignedBuffer memory = allocate_aligned(activation_bytes(kind, tokens, cols));
  const Activations prepared{kind, tokens, cols, memory.get()};
  const Product product{.weights = {type, rows, cols, packed}, .y = y.data(), .y_stride = rows};
  return median_seconds([&] {
    run.pool.run([&](Worker& worker) {
      prepare_activations(x.data(), cols, prepared, worker, run.isa);
      worker.sync();
      matmul({&product, 1}, prepared, worker, run.isa);
    });
  });
}

double pack_gbs(const Run& run, DType type, int64_t rows, int64_t cols, void* packed) {
  const int64_t bytes = rows / 4 * bytes_of(type, cols);
  AlignedBuffer native = allocate_aligned(bytes);
  std::memset(native.get(), 0x11, bytes);
  const double seconds = median_seconds([&] {
    run.pool.run([&](Worker& w) { pack(type, native.get(), rows / 4, cols, packed, w); });
  });
  return static_cast<double>(bytes) / seconds * 1e-9;
}

void report(const Run& run, DType type) {
  const MachineRates rates = measure_rates(run.pool, run.clock, run.isa);  // as it is just now
  const int64_t rows = kDecodeBytes / bytes_of(type, kDecodeCols) / 16 * 16;
  const AlignedBuffer decode = weights(type, rows, kDecodeCols);
  std::printf("%-7s of %5.1f GB/s, %4.0f GOP/s:", std::string(name(type)).c_str(), rates.read_gb_s,
              rates.int8_gops);
  const double bytes = static_cast<double>(packed_bytes(type, rows, kDecodeCols));
  for (int64_t tokens : {1, 4, 8, 16}) {
    const double seconds = seconds_of(run, type, decode.get(), rows, kDecodeCols, tokens);
    const double gbs = bytes / seconds * 1e-9;
    if (tokens == 1) std::printf(" %6.1f %4.0f%%", gbs, 100 * gbs / rates.read_gb_s);
    if (tokens > 1) std::printf(" %6.1f", gbs * static_cast<double>(tokens));
  }
  std::printf(" %6.1f", pack_gbs(run, type, rows, kDecodeCols, decode.get()));
  const AlignedBuffer prefill = weights(type, kPrefillRows, kPrefillCols);
  const double seconds =
      seconds_of(run, type, prefill.get(), kPrefillRows, kPrefillCols, kPrefillTokens);
  const double gops = 2e-9 * kPrefillRows * kPrefillCols * kPrefillTokens / seconds;
  std::printf(" %7.0f %4.0f%%\n", gops, 100 * gops / rates.int8_gops);
  std::fflush(stdout);
}

void report_all(int argc, char** argv) {
  ThreadPool pool(argc > 1 ? std::atoi(argv[1]) : 2);
  const Run run{pool, best_isa(), SystemClock()};
  std::printf("%d threads, %s\n", pool.size(), std::string(name(run.isa)).c_str());
  std::puts(
      "1 token: GB/s and share | 4, 8, 16 tokens: GB/s x tokens | pack: GB/s | 512 tokens: GOP/s");
  for (const DTypeInfo& type : all_dtypes()) {
    if (!can_pack(type.dtype, 256)) continue;
    bool wanted = argc < 3;
    for (int i = 2; i < argc; ++i) wanted |= type.dtype == dtype_from_name(argv[i]);
    if (wanted) report(run, type.dtype);
  }
}

}  // namespace
}  // namespace verge::bench

int main(int argc, char** argv) {
  verge::bench::report_all(argc, argv);
  return 0;
}
