#include <algorithm>
#include <cmath>
#include <vector>

#include <verge/engine/quant/dequantize.hpp>
#include <verge/engine/quant/quantize.hpp>

namespace verge::quant {
namespace {

struct RowError {
  double squared = 0;
  double energy = 0;
  double max_abs = 0;
};

RowError compare_row(const float* x, const float* y, int64_t count) {
  RowError row;
  for (int64_t i = 0; i < count; ++i) {
    const double error = static_cast<double>(x[i]) - static_cast<double>(y[i]);
    row.squared += error * error;
    row.energy += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    row.max_abs = std::max(row.max_abs, std::abs(error));
  }
  return row;
}

}  // namespace

QuantError measure_error(const TensorView& original, const TensorView& quantized,
                         ThreadPool& pool) {
  VERGE_CHECK(original.dtype == DType::F32 && original.shape == quantized.shape,
              name(original.dtype), original.shape.str(), quantized.shape.str());
  const int64_t count = original.shape.count();
  if (count == 0) return {};
  const int64_t columns = original.shape.rank() > 0 ? original.shape.back() : 1;
  const int64_t row_bytes = bytes_of(quantized.dtype, columns);
  const DequantizeRow decode = dequantizer(quantized.dtype);
  std::vector<RowError> rows(static_cast<size_t>(count / columns));
  pool.run([&](Worker& worker) {
    std::vector<float> decoded(static_cast<size_t>(columns));
    const int64_t last = static_cast<int64_t>(rows.size());
    for (int64_t row = worker.claim(); row < last; row = worker.claim()) {
      decode(quantized.as<std::byte>() + row * row_bytes, decoded.data(), columns);
      rows[static_cast<size_t>(row)] =
          compare_row(original.as<float>() + row * columns, decoded.data(), columns);
    }
  });
  RowError total;
  for (const RowError& row : rows) {
    total.squared += row.squared;
    total.energy += row.energy;
    total.max_abs = std::max(total.max_abs, row.max_abs);
  }
  return {std::sqrt(total.squared / static_cast<double>(count)), total.max_abs,
          total.energy > 0 ? std::sqrt(total.squared / total.energy) : 0};
}

}  // namespace verge::quant
