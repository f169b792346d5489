#pragma once
// External data: tensors whose values lie in files beside the model, as exporters write models of
// more than 2 GiB.

#include <string>

#include <verge/engine/format/onnx/types.hpp>

namespace verge::format::onnx {

/// Maps the files and gives each tensor that lies there its bytes. A location that leads out of
/// `folder`, also through a link, is Denied; one that is not there NotFound.
Status attach_external_data(GraphData& graph, const std::string& folder);

}  // namespace verge::format::onnx
