#pragma once
// export_onnx: a Graph as an ONNX model of opset 17, which other runtimes read. Graphs of one batch
// size keep it; a symbol stays an open extent of its name.
//
//   VERGE_TRY(const Network network, import_onnx(file, inputs));
//   VERGE_TRY(const auto model, export_onnx(network, file.model().metadata));
//   VERGE_RETURN_IF_ERROR(format::onnx::write_onnx(model, "copy.onnx"));

#include <string>
#include <utility>
#include <vector>

#include <verge/engine/format/onnx/types.hpp>
#include <verge/engine/onnx/import.hpp>

namespace verge::onnx {

/// The tensors of the result are views of the network's weights and constants, which it owns
/// together with the network. Inputs that import took as constants are gone. Fails with Unsupported
/// for operators that ONNX has no words for, all of them in one error with the layer of the first.
Result<format::onnx::ModelData> export_onnx(
    const Network& network, std::vector<std::pair<std::string, std::string>> metadata = {});

}  // namespace verge::onnx
