#pragma once
// write_onnx: an ONNX file of the structs of types.hpp, all of it or nothing.

#include <atomic>
#include <string>

#include <verge/engine/format/byte_sink.hpp>
#include <verge/engine/format/onnx/types.hpp>

namespace verge::format::onnx {

struct WriteOptions {
  bool external_data = false;  // large tensors lie in PATH.data beside the file
  const std::atomic<bool>* cancel = nullptr;
  uint64_t most_bytes = (uint64_t{1} << 31) - 1;  // of one file: protobuf allows no more
};

/// Writes the model as one message, its tensors as raw data of this file; those of 1024 bytes and
/// more in PATH.data where that is asked for, or where one file would be too large. An error, a
/// full disk and `cancel` leave what was there; of two files an earlier model is removed, once both
/// are written under other names, before the data of the new one is there: it is never beside it,
/// and where the disk fails as they are synced there may be neither. Fails with Unsupported for
/// more than 2 GiB beside the tensors, Cancelled when `cancel` became true, Io as AtomicFile.
Status write_onnx(const ModelData& model, const std::string& path,
                  const WriteOptions& options = {});
/// All in one message, of 2 GiB at most.
Status write_onnx_to(const ModelData& model, const ByteSink& sink);

}  // namespace verge::format::onnx
