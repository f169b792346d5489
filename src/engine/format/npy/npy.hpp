#pragma once
// NPY: one array of NumPy in a file: a magic, a version, a header that is a Python dictionary, the
// values. Format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html

#include <span>
#include <string>
#include <string_view>

#include <verge/core/result.hpp>
#include <verge/core/tensor.hpp>

namespace verge::format {

struct NpyArray {
  Tensor tensor = {};    // f32, f64, f16, i64, i32, i8 or u8
  bool is_bool = false;  // of u8: 0 and 1, "|b1"
};

/// Reads little-endian arrays in C order of at most Shape::kMaxRank axes. Malformed for bytes that
/// are no NPY, Unsupported for other types and orders; `path` names them in errors.
Result<NpyArray> parse_npy(std::span<const std::byte> bytes, std::string_view path = "npy");
Result<NpyArray> read_npy(const std::string& path);

/// The file's bytes before the values, of version 1.0. Fails with Unsupported for block types.
Result<std::string> npy_header(DType dtype, const Shape& shape, bool is_bool = false);
/// Writes it whole or not at all.
Status write_npy(const std::string& path, const TensorView& tensor, bool is_bool = false);

}  // namespace verge::format
