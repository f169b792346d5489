#pragma once
// write_onnx: an ONNX file of the structs of types.hpp, all of it or nothing.

#include <atomic>
#include <string>

#include <verge/engine/format/byte_sink.hpp>
#include <verge/engine/format/onnx/types.hpp>

namespace verge::format::onnx {

/// Writes the model as one message, its tensors as raw data of this file, not of others. Atomic:
/// an error, a full disk and `cancel` leave what was there. Fails with Unsupported for more than
/// 2 GiB, which protobuf does not allow, Cancelled when `cancel` became true, Io as AtomicFile.
Status write_onnx(const ModelData& model, const std::string& path,
                  const std::atomic<bool>* cancel = nullptr);
Status write_onnx_to(const ModelData& model, const ByteSink& sink);

}  // namespace verge::format::onnx
