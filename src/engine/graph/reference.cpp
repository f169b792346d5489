#include <algorithm>

#include <verge/core/result.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/stored_as.hpp>
#include <verge/engine/quant/dequantize.hpp>

namespace verge::graph {
namespace {

template <typename T>
std::vector<double> widen(const TensorView& tensor) {
  const auto values = tensor.span<const T>();
  return {values.begin(), values.end()};
}

template <typename T>
void narrow(const TensorView& tensor, const std::vector<double>& values) {
  std::ranges::transform(values, tensor.as<T>(), stored_as<T>);
}

}  // namespace

std::vector<double> load(const TensorView& tensor) {
  switch (tensor.dtype) {
    case DType::F32:
      return widen<float>(tensor);
    case DType::F64:
      return widen<double>(tensor);
    case DType::I32:
      return widen<int32_t>(tensor);
    case DType::I64:
      return widen<int64_t>(tensor);
    case DType::I8:
      return widen<int8_t>(tensor);
    case DType::U8:
      return widen<uint8_t>(tensor);
    default:
      break;
  }
  std::vector<float> decoded(static_cast<size_t>(tensor.shape.count()));
  quant::dequantize_row(tensor.dtype, tensor.data, decoded.data(), tensor.shape.count());
  return {decoded.begin(), decoded.end()};
}

void store(const TensorView& tensor, const std::vector<double>& values) {
  VERGE_CHECK(static_cast<int64_t>(values.size()) == tensor.shape.count(), values.size(),
              tensor.shape.str());
  switch (tensor.dtype) {
    case DType::F32:
      return narrow<float>(tensor, values);
    case DType::F64:
      return narrow<double>(tensor, values);
    case DType::I32:
      return narrow<int32_t>(tensor, values);
    case DType::I64:
      return narrow<int64_t>(tensor, values);
    case DType::I8:
      return narrow<int8_t>(tensor, values);
    case DType::U8:
      return narrow<uint8_t>(tensor, values);
    case DType::F16:
      std::ranges::transform(values, tensor.as<uint16_t>(),
                             [](double v) { return f32_to_f16(static_cast<float>(v)); });
      return;
    case DType::BF16:
      std::ranges::transform(values, tensor.as<uint16_t>(),
                             [](double v) { return f32_to_bf16(static_cast<float>(v)); });
      return;
    default:
      VERGE_CHECK(false, name(tensor.dtype));
  }
}

std::vector<double> load_rows(const TensorView& tensor, int64_t first, int64_t count) {
  VERGE_CHECK(first >= 0 && first + count <= tensor.shape.rows(), first, count, tensor.shape.str());
  const int64_t row_bytes = bytes_of(tensor.dtype, tensor.shape.back());
  return load({tensor.as<std::byte>() + first * row_bytes, tensor.dtype,
               Shape{count, tensor.shape.back()}});
}

void store_wanted(const KernelCall& call, size_t output, const std::vector<double>& values) {
  if (call.wants(output)) store(call.out(output), values);
}

}  // namespace verge::graph
