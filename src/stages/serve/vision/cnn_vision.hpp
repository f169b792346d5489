#pragma once
// VisionNetwork of a file by `verge train image`. Internal to this folder.

#include <verge/stages/serve/vision/vision_network.hpp>

namespace verge::serve {

Result<std::unique_ptr<VisionNetwork>> open_cnn_vision(const std::string& path, ThreadPool& pool,
                                                       const runtime::PlanOptions& options);

}  // namespace verge::serve
