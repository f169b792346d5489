#pragma once
// TensorFile: a model file of any format as named tensors in the order of their bytes, and what
// lies around them; together they are the whole file. Of an ONNX file the initializers of the graph
// whose values lie in one piece, all else is around them.

#include <span>
#include <string>
#include <vector>

#include <verge/core/file.hpp>
#include <verge/engine/format/stored_tensor.hpp>
#include <verge/engine/runtime/tensor_record.hpp>

namespace verge::model {

/// Read-only views of a file's tensors. Values of a type that Verge does not know are u8, of its
/// bytes.
runtime::NamedTensors views_of(std::span<const format::StoredTensor> stored);

class TensorFile {
 public:
  /// A GGUF, safetensors or ONNX file. Fails as their readers do; with Unsupported for a
  /// folder, for ONNX's external data and for tensors that share bytes or a name.
  static Result<TensorFile> open(const std::string& path);
  /// The same for bytes that outlive the result.
  static Result<TensorFile> parse(std::span<const std::byte> bytes, const std::string& path);

  const std::string& path() const { return path_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  /// Read-only views, as views_of() makes them.
  const runtime::NamedTensors& tensors() const { return tensors_; }
  /// What lies before tensor i; of i == tensors().size() behind the last.
  std::span<const std::byte> gap(size_t i) const;
  /// XXH3 of the gaps and their lengths.
  uint64_t gaps_hash() const;

 private:
  Status sort_tensors();

  std::string path_;
  MappedFile file_;
  std::span<const std::byte> bytes_;
  runtime::NamedTensors tensors_;
};

}  // namespace verge::model
