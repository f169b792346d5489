#pragma once
// What a Hugging Face folder says of its vocabulary besides tokenizer.json: special tokens and the
// chat template.

#include <string>

#include <verge/core/result.hpp>
#include <verge/engine/format/hf/json_object.hpp>
#include <verge/engine/format/model_source.hpp>

namespace verge::format {

/// Reads tokenizer_config.json, generation_config.json and chat_template.jinja where they exist.
Status read_vocabulary(const std::string& folder, const JsonObject& config, ModelSource& source);

}  // namespace verge::format
