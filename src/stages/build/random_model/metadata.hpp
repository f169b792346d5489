#pragma once
// The keys of a random model's file, as GGUF names them.

#include <verge/core/result.hpp>
#include <verge/engine/format/metadata.hpp>
#include <verge/stages/build/random_model/random_model.hpp>

namespace verge::build {

/// Fails as random_vocabulary does.
Result<format::Metadata> random_metadata(const RandomModelSpec& spec);

}  // namespace verge::build
