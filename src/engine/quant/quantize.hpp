#pragma once
// Writing f32 values as blocks of any GGUF type, with the searches that make them good. The result
// depends on the values and importance alone: not on threads, nor on how rows are split.
//
//   std::vector<std::byte> blocks(bytes_of(DType::Q4_K, columns));
//   VERGE_RETURN_IF_ERROR(quant::quantize_row(DType::Q4_K, row, blocks.data(), columns));

#include <cstdint>
#include <span>

#include <verge/core/dtype.hpp>
#include <verge/core/result.hpp>
#include <verge/core/tensor.hpp>
#include <verge/core/threads.hpp>

namespace verge::quant {

/// Whether quantize_row can write this type: all but integers, F64, IQ4_XS and TQ1_0.
bool can_quantize(DType dtype);

/// Encodes `count` values of one row. `importance`: null, or one weight >= 0 a value, larger where
/// an error costs more (the mean squared input of that column).
/// Fails with InvalidArgument, naming the index, if a value is NaN or infinite or a weight is not a
/// finite number >= 0; and if `count` is not a multiple of the block size. Unsupported if
/// !can_quantize(dtype).
Status quantize_row(DType dtype, const float* in, void* out, int64_t count,
                    const float* importance = nullptr);

/// Encodes a whole F32 tensor into `out` (same shape; its dtype is the target), row by row on the
/// pool. `importance`: empty, or one weight a column, or one such row for each of the outermost
/// extent (experts). Fails as quantize_row does; the error names the row and column of the first
/// bad value.
Status quantize(const TensorView& in, const TensorView& out, std::span<const float> importance,
                ThreadPool& pool);

/// What quantizing cost, measured by decoding.
struct QuantError {
  double rmse = 0;      // sqrt(mean (x - y)^2)
  double max_abs = 0;   // largest |x - y|
  double relative = 0;  // sqrt(sum (x - y)^2 / sum x^2); 0 if all x are 0
};

/// Compares an F32 tensor with a tensor of any dtype and the same shape. Same sums for any pool.
QuantError measure_error(const TensorView& original, const TensorView& quantized, ThreadPool& pool);

}  // namespace verge::quant
