#pragma once
// export_image: a classifier that train_image wrote, as an ONNX file for other runtimes.

#include <string>

#include <verge/core/result.hpp>
#include <verge/engine/format/onnx/writer.hpp>

namespace verge::build {

/// Writes a network of input "pixels" [batch, channels, height, width], from 0 to 255, and
/// output "logits" [batch, classes], the batch left open. Normalization is part of it; the sum with
/// the mirrored image, where training asked for it, is the caller's (key verge.cnn.mirror). Keeps
/// the file's metadata. Fails as read_network and format::onnx::write_onnx do.
Status export_image(const std::string& path, const std::string& target,
                    const format::onnx::WriteOptions& options = {});

}  // namespace verge::build
