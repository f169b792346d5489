#pragma once
// Random weights of every type for the tests of the matrix products.

#include <cmath>
#include <cstring>
#include <vector>

#include <verge/core/tensor.hpp>
#include <verge/engine/kernels/packed.hpp>
#include <verge/engine/quant/dequantize.hpp>

#include "random_data.hpp"

namespace verge::kernels {

inline std::vector<DType> packable_types() {
  std::vector<DType> types;
  for (const DTypeInfo& type : all_dtypes()) {
    if (can_pack(type.dtype, 256)) types.push_back(type.dtype);
  }
  return types;
}

// Random bytes are valid blocks of every type, once their fp16 scales are finite: a row is drawn
// again until all its values are.
struct Weights {
  DType dtype;
  int64_t rows, cols, row_bytes;
  std::vector<uint8_t> bytes;

  Weights(DType type, int64_t row_count, int64_t blocks, uint64_t seed)
      : dtype(type),
        rows(row_count),
        cols(blocks * (is_quantized(type) ? info(type).block_size : 22)) {
    row_bytes = bytes_of(type, cols);
    bytes.resize(rows * row_bytes);
    Rng rng(seed);
    const int64_t unit = is_quantized(type) ? info(type).block_bytes : bytes_of(type, 1);
    for (int64_t at = 0; at < static_cast<int64_t>(bytes.size()); at += unit) {
      do {
        for (int64_t i = 0; i < unit; ++i) bytes[at + i] = static_cast<uint8_t>(rng.next() >> 24);
      } while (!moderate(&bytes[at]));
    }
  }

  std::vector<float> row(int64_t index) const {
    std::vector<float> values(cols);
    quant::dequantize_row(dtype, bytes.data() + index * row_bytes, values.data(), cols);
    return values;
  }

 private:
  bool moderate(const uint8_t* block) const {
    alignas(8) uint8_t aligned[256];
    std::memcpy(aligned, block, info(dtype).block_bytes);
    float values[256];
    quant::dequantize_row(dtype, aligned, values, info(dtype).block_size);
    float largest = 0;
    for (int i = 0; i < info(dtype).block_size; ++i) {
      if (!(std::fabs(values[i]) < 1e3f)) return false;
      largest = std::max(largest, std::fabs(values[i]));
    }
    return largest > 1e-3f;
  }
};

struct PackedWeights {
  AlignedBuffer memory;
  PackedMatrix view;

  PackedWeights(const Weights& weights, ThreadPool& pool) {
    memory = allocate_aligned(packed_bytes(weights.dtype, weights.rows, weights.cols));
    view = {weights.dtype, weights.rows, weights.cols, memory.get()};
    pool.run([&](Worker& worker) {
      pack(weights.dtype, weights.bytes.data(), weights.rows, weights.cols, memory.get(), worker);
    });
  }
};

}  // namespace verge::kernels
