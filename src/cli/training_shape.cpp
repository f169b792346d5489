#include <algorithm>

#include <verge/cli/training_shape.hpp>
#include <verge/engine/format/onnx/reader.hpp>
#include <verge/stages/fit/tune/network_inputs.hpp>

namespace verge::cli {

Result<fit::BaseShape> training_shape(const std::string& path, fit::BaseShape shape,
                                      const ShapeOptions& options) {
  VERGE_TRY(shape.inputs, options.read());
  if (is_network(path)) {
    VERGE_TRY(const auto file, format::onnx::Onnx::open(path));
    return fit::complete_shape(file, std::move(shape));
  }
  shape.batch = std::max<int64_t>(1, shape.batch);
  return shape;
}

}  // namespace verge::cli
