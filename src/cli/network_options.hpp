#pragma once
// Options of commands that take an ONNX network, and what they stand for.

#include <string>
#include <vector>

#include <verge/cli/parser.hpp>
#include <verge/core/tensor.hpp>
#include <verge/engine/format/npy/npy.hpp>
#include <verge/engine/format/onnx/reader.hpp>
#include <verge/engine/onnx/import.hpp>

namespace verge::cli {

/// Whether MODEL is an ONNX file, by its name.
bool is_network(const std::string& model);

/// --shape NAME=1x3x48x320 and --value NAME=NUMBER.
struct ShapeOptions {
  std::vector<std::string> shapes, values;

  void declare(Parser& parser);
  bool is_given() const { return !shapes.empty() || !values.empty(); }
  /// Fails with InvalidArgument naming the option.
  Result<std::vector<onnx::InputBinding>> read() const;
};

struct NamedArray {
  std::string name;
  format::NpyArray array;
};

/// --input NAME=FILE.npy, repeated.
Result<std::vector<NamedArray>> read_arrays(const std::vector<std::string>& inputs);
/// What the arrays say before the network is compiled: shapes, and the values of single integers.
std::vector<onnx::InputBinding> bindings_of(const std::vector<NamedArray>& arrays);

}  // namespace verge::cli
