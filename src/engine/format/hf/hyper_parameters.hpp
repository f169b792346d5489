#pragma once
// config.json of a Hugging Face folder as GGUF metadata.

#include <string>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/engine/format/hf/family.hpp>
#include <verge/engine/format/hf/json_object.hpp>
#include <verge/engine/format/metadata.hpp>

namespace verge::format {

/// A tensor that GGUF keeps and the folder does not: per-frequency divisors of the rotary
/// embedding.
struct RopeFactors {
  std::string name;  // "rope_freqs.weight"
  std::vector<float> values;
};

struct HyperParameters {
  HfFamily family;
  Metadata metadata;  // general.architecture and ARCHITECTURE.*
  std::vector<RopeFactors> rope_factors;
  uint32_t heads = 0;
  uint32_t kv_heads = 0;
  bool tied = false;  // lm_head is the embedding
};

/// Unsupported for a model type or a rotary scaling Verge cannot run, Malformed or NotFound for a
/// missing or absurd field; errors name the file and the field.
Result<HyperParameters> read_hyper_parameters(const JsonObject& config);

}  // namespace verge::format
