#include <verge/stages/serve/vision/cnn_vision.hpp>
#include <verge/stages/serve/vision/onnx_vision.hpp>

namespace verge::serve {

Result<std::unique_ptr<VisionNetwork>> open_vision_network(const std::string& path,
                                                           ThreadPool& pool,
                                                           const runtime::PlanOptions& options) {
  if (path.ends_with(".safetensors")) return open_cnn_vision(path, pool, options);
  if (path.ends_with(".onnx")) return open_onnx_vision(path, pool, options);
  return make_error(Code::InvalidArgument,
                    "{}: no network for pictures; give a .onnx file, or a .safetensors file of "
                    "`verge train image`",
                    path);
}

}  // namespace verge::serve
