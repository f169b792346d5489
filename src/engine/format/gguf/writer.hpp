#pragma once
// GgufWriter: writes GGUF files that every reader of the format loads. Tensors are declared first,
// since their places stand in the header, and produced one at a time when the file is written.
//
//   GgufWriter writer(metadata);
//   VERGE_RETURN_IF_ERROR(writer.add("output.weight", DType::Q4_K, {rows, columns},
//       [&](const ByteSink& sink) { return quantize_rows(sink); }));
//   VERGE_RETURN_IF_ERROR(writer.write("model.gguf"));   // all of it or nothing

#include <cstdint>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include <verge/core/dtype.hpp>
#include <verge/core/result.hpp>
#include <verge/core/shape.hpp>
#include <verge/engine/format/byte_sink.hpp>
#include <verge/engine/format/metadata.hpp>
#include <verge/engine/format/stored_tensor.hpp>

namespace verge::format {

class GgufWriter {
 public:
  /// Keys are written in order. general.alignment, if present, must be a power of two.
  explicit GgufWriter(Metadata metadata, uint32_t version = 3);

  /// Declares the next tensor; shape outermost first, rank 1 to 4. InvalidArgument for a name used
  /// before, an empty extent, or columns that do not fill the type's blocks.
  Status add(const std::string& name, DType dtype, const Shape& shape, TensorProducer producer);
  /// The same with bytes that live until write().
  Status add(const std::string& name, DType dtype, const Shape& shape,
             std::span<const std::byte> bytes);
  /// The same tensor as another file has, of whatever type; the other file lives until write().
  Status add(const StoredTensor& tensor);

  /// Bytes of the whole file, known before it is written.
  Result<uint64_t> file_bytes() const;
  /// Atomic: `path` holds the old content or the whole new file. Errors name path and tensor.
  Status write(const std::string& path) const;
  Status write_to(const ByteSink& sink) const;

 private:
  struct Declared {
    std::string name;
    uint32_t type_id;
    Shape shape;
    uint64_t bytes;
    TensorProducer producer;
  };

  Status declare(Declared tensor);
  std::string header(uint64_t alignment) const;

  Metadata metadata_;
  uint32_t version_;
  std::vector<Declared> tensors_;
  std::unordered_set<std::string> names_;
};

}  // namespace verge::format
