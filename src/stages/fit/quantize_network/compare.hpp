#pragma once
// Two forms of a network on the same samples: what levels cost, and what they save.

#include <verge/engine/format/onnx/types.hpp>
#include <verge/stages/fit/quantize_network/quantize_network.hpp>

namespace verge::fit {

Result<Comparison> compare_networks(const format::onnx::ModelData& before,
                                    const format::onnx::ModelData& after, const SampleSet& samples,
                                    const NetworkQuantization& options, ThreadPool& pool,
                                    const Clock& clock);

}  // namespace verge::fit
