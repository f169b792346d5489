#pragma once
// The small file of a model that delta_fuzz has as its base.

#include <cstdlib>
#include <string>
#include <vector>

#include <verge/core/tensor.hpp>
#include <verge/engine/format/safetensors/writer.hpp>

namespace verge {

/// Tensors of several types; `value` stands in a row of one and in all of another, `note` in the
/// metadata.
inline std::string delta_base(float value, const std::string& note) {
  const Tensor matrix(DType::F32, {6, 8}), bias(DType::F32, {8}), levels(DType::I8, {4, 3, 2});
  for (size_t i = 16; i < 24; ++i) matrix.span<float>()[i] = value;
  for (float& x : bias.span<float>()) x = value;
  for (size_t i = 0; i < 24; i += 6) levels.span<int8_t>()[i] = static_cast<int8_t>(value);
  format::SafetensorsWriter writer;
  writer.set_metadata("note", note);
  const auto add = [&](const char* name, const Tensor& tensor) {
    const std::span<const std::byte> bytes{tensor.view().as<std::byte>(),
                                           static_cast<size_t>(tensor.view().bytes())};
    if (!writer.add(name, tensor.dtype(), tensor.shape(), bytes)) std::abort();
  };
  add("matrix", matrix);
  add("bias", bias);
  add("levels", levels);
  std::string file;
  const Status status = writer.write_to([&](std::span<const std::byte> bytes) -> Status {
    file.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  });
  if (!status) std::abort();
  return file;
}

}  // namespace verge
