#pragma once
// Recognises the pre-tokenizers of tokenizer.json files.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include <verge/core/result.hpp>

namespace verge::text {

/// The name (see pretokenizer.hpp) of the family whose expressions the "pre_tokenizer" object `pre`
/// holds, in the order given. Unsupported: other kinds or expressions. Throws nlohmann's exceptions
/// if members are missing or of another type.
Result<std::string> recognise_pretokenizer(const nlohmann::json& pre);

}  // namespace verge::text
