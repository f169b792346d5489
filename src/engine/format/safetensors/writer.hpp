#pragma once
// SafetensorsWriter: writes one safetensors file, all of it or nothing. Tensors are declared first
// and produced one at a time, as for GgufWriter.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <verge/core/dtype.hpp>
#include <verge/core/result.hpp>
#include <verge/core/shape.hpp>
#include <verge/engine/format/byte_sink.hpp>

namespace verge::format {

class SafetensorsWriter {
 public:
  /// A string under "__metadata__"; {"format", "pt"} is what Python's transformers expects.
  void set_metadata(std::string key, std::string text);

  /// Declares the next tensor. InvalidArgument for a name used before or a GGUF block type.
  Status add(const std::string& name, DType dtype, const Shape& shape, TensorProducer producer);
  /// The same with bytes that live until write().
  Status add(const std::string& name, DType dtype, const Shape& shape,
             std::span<const std::byte> bytes);

  /// Atomic; errors name the path.
  Status write(const std::string& path) const;
  Status write_to(const ByteSink& sink) const;

 private:
  struct Declared {
    std::string name;
    std::string_view type;
    Shape shape;
    uint64_t bytes;
    TensorProducer producer;
  };

  std::string header() const;

  std::vector<std::pair<std::string, std::string>> metadata_;
  std::vector<Declared> tensors_;
  std::unordered_set<std::string> names_;
};

}  // namespace verge::format
