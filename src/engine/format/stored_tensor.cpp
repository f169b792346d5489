#include <cstring>

#include <verge/engine/format/stored_tensor.hpp>

namespace verge::format {
namespace {

Status check_readable(const StoredTensor& tensor) {
  if (tensor.dtype) return {};
  return make_error(
      Code::Unsupported,
      "tensor {}: type not supported: {}; quantize the original model to another type", tensor.name,
      tensor.type_name);
}

// Within a head of 2h rows, row r of the first half and row h + r become rows 2r and 2r + 1.
void interleave_rows(const StoredTensor& tensor, std::span<std::byte> out) {
  const int64_t rows = tensor.shape.rank() > 1 ? tensor.shape.rows() : tensor.shape.count();
  const int64_t head_rows = rows / tensor.interleave_heads;
  const int64_t half = head_rows / 2;
  const size_t row_bytes = tensor.bytes.size() / static_cast<size_t>(rows);
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t head = row / head_rows;
    const int64_t within = row % head_rows;
    const int64_t target = head * head_rows + within % half * 2 + within / half;
    std::memcpy(out.data() + static_cast<size_t>(target) * row_bytes,
                tensor.bytes.data() + static_cast<size_t>(row) * row_bytes, row_bytes);
  }
}

}  // namespace

Result<TensorView> StoredTensor::view() const {
  VERGE_CHECK(interleave_heads == 0, name);
  VERGE_RETURN_IF_ERROR(check_readable(*this));
  const size_t needed = is_quantized(*dtype) ? 2 : static_cast<size_t>(info(*dtype).block_bytes);
  if (reinterpret_cast<uintptr_t>(bytes.data()) % needed != 0) {
    return make_error(
        Code::Malformed,
        "tensor {}: data at offset {} is not aligned to {} bytes; write the file again", name,
        offset, needed);
  }
  return TensorView{const_cast<std::byte*>(bytes.data()), *dtype, shape};
}

Status StoredTensor::copy_to(std::span<std::byte> out) const {
  VERGE_CHECK(out.size() == bytes.size(), name, out.size(), bytes.size());
  VERGE_RETURN_IF_ERROR(check_readable(*this));
  if (interleave_heads > 0) {
    interleave_rows(*this, out);
  } else if (!bytes.empty()) {
    std::memcpy(out.data(), bytes.data(), bytes.size());
  }
  return {};
}

}  // namespace verge::format
