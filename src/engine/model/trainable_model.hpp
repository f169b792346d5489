#pragma once
// Which language models' weights can learn: what build_lm_training builds must be all that the
// model is.

#include <verge/engine/format/model_source.hpp>
#include <verge/engine/nn/lm_training.hpp>

namespace verge::model {

/// The form that the model's tensors have.
nn::LmForm training_form(const format::ModelSource& source);

/// Fails with Unsupported, naming what is unknown and `remedy`, unless the model has the blocks of
/// build_lm_training and exactly its tensors; those of exits may be missing.
Status check_trainable(const format::ModelSource& source, const nn::DecoderConfig& config,
                       const nn::LmForm& form, std::string_view remedy);

}  // namespace verge::model
