#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <optional>

#include <verge/engine/quant/encoders.hpp>
#include <verge/engine/quant/quantize.hpp>

namespace verge::quant {
namespace {

using EncodeRow = void (*)(const float* x, void* blocks, int64_t count, const float* importance);

EncodeRow encoder(DType dtype) {
  switch (dtype) {
    case DType::F32:
      return encode_f32;
    case DType::F16:
      return encode_f16;
    case DType::BF16:
      return encode_bf16;
    case DType::Q4_0:
      return encode_q4_0;
    case DType::Q4_1:
      return encode_q4_1;
    case DType::Q5_0:
      return encode_q5_0;
    case DType::Q5_1:
      return encode_q5_1;
    case DType::Q8_0:
      return encode_q8_0;
    case DType::Q8_1:
      return encode_q8_1;
    case DType::IQ4_NL:
      return encode_iq4_nl;
    case DType::Q2_K:
      return encode_q2_k;
    case DType::Q3_K:
      return encode_q3_k;
    case DType::Q4_K:
      return encode_q4_k;
    case DType::Q5_K:
      return encode_q5_k;
    case DType::Q6_K:
      return encode_q6_k;
    case DType::Q8_K:
      return encode_q8_k;
    case DType::TQ2_0:
      return encode_tq2_0;
    default:
      return nullptr;
  }
}

/// The largest magnitude's bits order like the magnitudes, with infinity and NaN on top.
bool all_finite(const float* x, int64_t count) {
  uint32_t top = 0;
  for (int64_t i = 0; i < count; ++i) {
    top = std::max(top, std::bit_cast<uint32_t>(x[i]) & 0x7fffffff);
  }
  return top < 0x7f800000;
}

bool bad_value(float x) {
  return !std::isfinite(x);
}
bool bad_weight(float w) {
  return !(w >= 0) || !std::isfinite(w);
}

std::optional<int64_t> first_bad_value(const float* x, int64_t count) {
  if (all_finite(x, count)) return std::nullopt;
  return std::find_if(x, x + count, bad_value) - x;
}

Status check_type(DType dtype, int64_t columns) {
  if (!can_quantize(dtype)) {
    return make_error(Code::Unsupported, "{}: Verge reads this type but cannot write it",
                      name(dtype));
  }
  if (columns % info(dtype).block_size != 0) {
    return make_error(Code::InvalidArgument,
                      "{} columns are not a multiple of {}, the block of {}; choose another type",
                      columns, info(dtype).block_size, name(dtype));
  }
  return {};
}

Status check_importance(const float* importance, int64_t count) {
  const float* end = importance + count;
  const float* bad = std::find_if(importance, end, bad_weight);
  if (bad == end) return {};
  return make_error(Code::InvalidArgument, "importance {} is {}; it must be a finite number >= 0",
                    bad - importance, *bad);
}

}  // namespace

bool can_quantize(DType dtype) {
  return encoder(dtype) != nullptr;
}

Status quantize_row(DType dtype, const float* in, void* out, int64_t count,
                    const float* importance) {
  VERGE_RETURN_IF_ERROR(check_type(dtype, count));
  if (importance) VERGE_RETURN_IF_ERROR(check_importance(importance, count));
  if (const auto bad = first_bad_value(in, count)) {
    return make_error(Code::InvalidArgument, "value {} is {}; it cannot be quantized", *bad,
                      in[*bad]);
  }
  encoder(dtype)(in, out, count, importance);
  return {};
}

Status quantize(const TensorView& in, const TensorView& out, std::span<const float> importance,
                ThreadPool& pool) {
  VERGE_CHECK(in.dtype == DType::F32 && in.shape == out.shape, name(in.dtype), in.shape.str(),
              out.shape.str());
  if (in.shape.count() == 0) return {};
  const int64_t columns = in.shape.rank() > 0 ? in.shape.back() : 1;
  const int64_t rows = in.shape.count() / columns;
  const int64_t weights = static_cast<int64_t>(importance.size());
  VERGE_RETURN_IF_ERROR(check_type(out.dtype, columns));
  VERGE_RETURN_IF_ERROR(check_importance(importance.data(), weights));
  if (weights % columns != 0 || (weights > 0 && rows % (weights / columns) != 0)) {
    return make_error(Code::InvalidArgument,
                      "{} importance weights do not fit a tensor of shape {}; give {} a matrix",
                      weights, in.shape.str(), columns);
  }
  const int64_t rows_per_matrix = weights > 0 ? rows / (weights / columns) : rows;
  const EncodeRow encode = encoder(out.dtype);
  const int64_t row_bytes = bytes_of(out.dtype, columns);
  std::atomic<int64_t> bad_row = rows;
  pool.run([&](Worker& worker) {
    for (int64_t row = worker.claim(); row < rows; row = worker.claim()) {
      const float* x = in.as<float>() + row * columns;
      if (!all_finite(x, columns)) {
        int64_t known = bad_row.load();
        while (row < known && !bad_row.compare_exchange_weak(known, row)) {
        }
        continue;
      }
      const float* w = weights > 0 ? importance.data() + row / rows_per_matrix * columns : nullptr;
      encode(x, out.as<std::byte>() + row * row_bytes, columns, w);
    }
  });
  if (bad_row == rows) return {};
  const float* x = in.as<float>() + bad_row * columns;
  const int64_t column = *first_bad_value(x, columns);
  return make_error(Code::InvalidArgument, "row {}, column {} is {}; it cannot be quantized",
                    bad_row.load(), column, x[column]);
}

}  // namespace verge::quant
