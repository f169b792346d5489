#include <algorithm>
#include <cstring>

#include <verge/core/rng.hpp>
#include <verge/engine/quant/quantize.hpp>
#include <verge/stages/build/random_model/weights.hpp>

namespace verge::build {
namespace {

// A pool costs as much as this many values; a smaller tensor is drawn value by value.
constexpr int64_t kPoolValues = int64_t{1} << 19;
constexpr int64_t kPlainBlock = 32;  // values of a pool's block in f32, f16 and bf16
constexpr uint64_t kPoolStreams = uint64_t{1} << 63;

/// One stream of random numbers for each row of each tensor.
uint64_t stream_of(int tensor, int64_t row) {
  return static_cast<uint64_t>(tensor) << 40 | static_cast<uint64_t>(row);
}

void draw_row(Rng rng, float mean, float deviation, DType dtype, std::vector<float>& row,
              std::byte* out) {
  for (float& value : row) value = mean + deviation * rng.normal();
  const Status status =
      quant::quantize_row(dtype, row.data(), out, static_cast<int64_t>(row.size()));
  VERGE_CHECK(status.ok(), status.error().message);
}

}  // namespace

const WeightSource::BlockPool& WeightSource::block_pool(DType dtype, float deviation) {
  const auto [entry, is_new] = pools_.try_emplace({dtype, deviation});
  BlockPool& pool = entry->second;
  if (!is_new) return pool;
  pool.values_each = std::max<int64_t>(kPlainBlock, info(dtype).block_size);
  pool.bytes_each = bytes_of(dtype, pool.values_each);
  pool.count = static_cast<uint32_t>(kPoolValues / pool.values_each);
  pool.bytes.resize(static_cast<size_t>(pool.count * pool.bytes_each));
  const uint64_t first_stream = kPoolStreams | uint64_t{pools_.size()} << 40;
  threads_.run([&](Worker& worker) {
    std::vector<float> values(static_cast<size_t>(pool.values_each));
    const auto [first, last] = worker.split(pool.count);
    for (int64_t i = first; i < last; ++i) {
      draw_row(Rng(seed_, first_stream | static_cast<uint64_t>(i)), 0.0f, deviation, dtype, values,
               pool.bytes.data() + i * pool.bytes_each);
    }
  });
  return pool;
}

void WeightSource::fill(const RandomTensor& tensor, int index, int64_t first_row, int64_t rows,
                        std::byte* out) {
  const int64_t columns = tensor.shape.back();
  const int64_t row_bytes = bytes_of(tensor.dtype, columns);
  const int64_t block = std::max<int64_t>(kPlainBlock, info(tensor.dtype).block_size);
  const bool pooled =
      tensor.shape.count() > kPoolValues && columns % block == 0 && tensor.mean == 0.0f;
  const BlockPool* pool = pooled ? &block_pool(tensor.dtype, tensor.deviation) : nullptr;
  threads_.run([&](Worker& worker) {
    std::vector<float> values(static_cast<size_t>(columns));
    const auto [first, last] = worker.split(rows);
    for (int64_t row = first; row < last; ++row) {
      Rng rng(seed_, stream_of(index, first_row + row));
      std::byte* to = out + row * row_bytes;
      if (pool == nullptr) {
        draw_row(rng, tensor.mean, tensor.deviation, tensor.dtype, values, to);
        continue;
      }
      for (int64_t column = 0; column < columns; column += block, to += pool->bytes_each) {
        const int64_t drawn = rng.below(pool->count);
        std::memcpy(to, pool->bytes.data() + drawn * pool->bytes_each,
                    static_cast<size_t>(pool->bytes_each));
      }
    }
  });
}

}  // namespace verge::build
