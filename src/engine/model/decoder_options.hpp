#pragma once
// How a decoder graph follows from a model's hyper-parameters and the options of loading it.

#include <verge/engine/model/language_model.hpp>
#include <verge/engine/nn/decoder.hpp>

namespace verge::model {

/// Most tokens of a sequence: options.context, or the model's own and at most 4096.
int64_t context_of(const nn::DecoderConfig& config, const LoadOptions& options);

nn::DecoderShape decoder_shape(const nn::DecoderConfig& config, const LoadOptions& options);

/// The same for a run of one token.
nn::DecoderShape decode_shape(nn::DecoderShape shape);

/// Fails with InvalidArgument for an absurd context, cache or number of sequences, or a cache type
/// that does not fit the heads.
Status check_options(const nn::DecoderConfig& config, const LoadOptions& options);

/// The layers that are asked for, their end filled in. Fails with Unsupported where the file does
/// not have them, or no head after them; a split file is no whole model.
Result<nn::LayerSpan> layers_to_load(const format::ModelSource& source,
                                     const nn::DecoderConfig& config, const LoadOptions& options);

/// Sets how many sequences and tokens of cache a model file is loaded with, so that one sequence of
/// the whole context may branch off into `paths` at once, each of two pages. Nothing changes for
/// one path. Fails as reading the file does.
Status make_room_for_paths(const std::string& path, int64_t paths, LoadOptions& options);

/// How many layers the exit head of a model stands behind; `layers` 0: the first one. Fails with
/// Unsupported, naming `path` and the heads there are, for one that the model does not have.
Result<int64_t> exit_layers_of(const nn::DecoderConfig& config, const std::string& path,
                               int64_t layers);

}  // namespace verge::model
