#pragma once
// ModelFacts: what a family needs to know of a model file, whatever its format: hyper-parameters by
// their GGUF keys, and the types of the tensors by their GGUF names.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/graph/ir.hpp>

namespace verge::nn {

class ModelFacts {
 public:
  virtual ~ModelFacts() = default;

  virtual std::string architecture() const = 0;
  /// A number, or nothing when the key is absent; arrays give their first element.
  virtual std::optional<double> number(std::string_view key) const = 0;
  virtual std::optional<std::string> text(std::string_view key) const = 0;
  /// An array of numbers (a single number counts as one); empty when absent.
  virtual std::vector<double> numbers(std::string_view key) const = 0;
  /// Type of a tensor, or nothing when the file lacks it. Extents outermost first: [out, in].
  virtual std::optional<graph::Type> tensor(std::string_view name) const = 0;
  /// Values of a small tensor (rope factors); empty when absent.
  virtual std::vector<float> tensor_values(std::string_view name) const = 0;
};

}  // namespace verge::nn
