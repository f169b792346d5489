#pragma once
// How a decoder graph follows from a model's hyper-parameters and the options of loading it.

#include <verge/engine/model/language_model.hpp>
#include <verge/engine/nn/decoder.hpp>

namespace verge::model {

nn::DecoderShape decoder_shape(const nn::DecoderConfig& config, const LoadOptions& options);

/// Fails with InvalidArgument for an absurd context or a cache type that does not fit the heads.
Status check_options(const nn::DecoderConfig& config, const LoadOptions& options);

}  // namespace verge::model
