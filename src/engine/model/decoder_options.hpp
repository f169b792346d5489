#pragma once
// How a decoder graph follows from a model's hyper-parameters and the options of loading it.

#include <verge/engine/model/language_model.hpp>
#include <verge/engine/nn/decoder.hpp>

namespace verge::model {

nn::DecoderShape decoder_shape(const nn::DecoderConfig& config, const LoadOptions& options);

/// The same for a run of one token.
nn::DecoderShape decode_shape(nn::DecoderShape shape);

/// Fails with InvalidArgument for an absurd context, cache or number of sequences, or a cache type
/// that does not fit the heads.
Status check_options(const nn::DecoderConfig& config, const LoadOptions& options);

}  // namespace verge::model
