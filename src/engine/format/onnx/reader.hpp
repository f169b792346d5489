#pragma once
// Onnx: one ONNX file, checked in full when opened; tensors are views of the mapping, or of the
// files of external data beside it.
//
//   VERGE_TRY(Onnx file, Onnx::open("net.onnx"));
//   for (const NodeData& node : file.model().graph.nodes) ...

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <verge/core/file.hpp>
#include <verge/engine/format/onnx/types.hpp>

namespace verge::format::onnx {

class Onnx {
 public:
  /// Fails with Malformed for a damaged file, naming the byte and the node or tensor; for external
  /// data outside of the file's folder with Denied.
  static Result<Onnx> open(const std::string& path);
  /// The same for bytes that outlive the result; external data is Unsupported. `path` names them in
  /// errors.
  static Result<Onnx> parse(std::span<const std::byte> bytes, std::string_view path = "onnx");

  const ModelData& model() const { return model_; }
  const std::string& path() const { return path_; }
  /// What the bytes of tensors lie in, those of external data apart; null for parse().
  const std::shared_ptr<const MappedFile>& file() const { return file_; }
  /// Elements of all initializers and constants of the graph and its branches.
  int64_t parameters() const;

 private:
  Onnx() = default;

  ModelData model_;
  std::string path_;
  std::shared_ptr<const MappedFile> file_;
};

}  // namespace verge::format::onnx
