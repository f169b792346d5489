#pragma once
// The weights of a model file as its tensors hold them.

#include <verge/engine/format/model_source.hpp>
#include <verge/engine/nn/config.hpp>
#include <verge/engine/runtime/store.hpp>

namespace verge::model {

/// Adds what these layers need to a store. Matrices stay in the mapped files, which the store keeps
/// open; vectors are copied. Tensors of types that cannot be read are left out: the graph refuses
/// them by name where it needs them.
Status add_weights(const format::ModelSource& source, nn::LayerSpan layers,
                   runtime::WeightStore& weights);

}  // namespace verge::model
