#pragma once
// compile_model: a model file's prefill and decode programs, as LanguageModel::load makes them or
// as a plan file brings them.

#include <functional>
#include <string_view>

#include <verge/engine/format/model_source.hpp>
#include <verge/engine/graph/passes/attach_adapters.hpp>
#include <verge/engine/model/language_model.hpp>
#include <verge/engine/nn/decoder.hpp>
#include <verge/engine/runtime/plan_file.hpp>

namespace verge::model {

/// Names the model that saved sessions and plan files belong to: its metadata, its tensors' names,
/// types and places, and its files' sizes.
std::string identity_of(const format::ModelSource& source);

/// Programs "prefill" and "decode". `observe` sees each pass over each of them. With `adapters`,
/// they have the nodes of graph::attach_adapters.
using PassVisitor = std::function<void(std::string_view program, std::string_view pass,
                                       const graph::Graph& before, const graph::Graph& after)>;
Result<runtime::PlanFile> compile_model(const format::ModelSource& source,
                                        const LoadOptions& options, int threads,
                                        const PassVisitor& observe = {},
                                        const graph::AdapterLayout* adapters = nullptr);

/// Prefill without the head: hidden states of all tokens, for the states of a decoder of `shape`.
Result<runtime::Program> compile_hidden(const format::ModelSource& source,
                                        const nn::DecoderConfig& config, nn::DecoderShape shape,
                                        kernels::Isa isa, int threads,
                                        const graph::AdapterLayout* adapters = nullptr);

/// shape.layers, with states where others follow and logits where a head does.
Result<runtime::Program> compile_layers(const format::ModelSource& source,
                                        const nn::DecoderConfig& config, nn::DecoderShape shape,
                                        kernels::Isa isa, int threads,
                                        const graph::AdapterLayout* adapters = nullptr);

/// Those of options.plan. Fails as read_plan_file does, and with Conflict for a plan of another
/// model or another context or cache type than the options ask for.
Result<runtime::PlanFile> load_compiled(const format::ModelSource& source,
                                        const LoadOptions& options);

/// What was compiled for: tokens and rows of logits of one run, pages of the cache; not which
/// layers.
nn::DecoderShape shape_of(const runtime::PlanFile& plan);

}  // namespace verge::model
