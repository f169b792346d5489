#pragma once
// What distinguishes the model families of Hugging Face folders, in how they become GGUF.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <verge/core/result.hpp>

namespace verge::format {

struct HfFamily {
  std::string_view model_type;    // in config.json
  std::string_view architecture;  // in GGUF
  bool interleave = false;        // query and key rows are stored half by half, GGUF interleaves
  bool norms_add_one = false;     // norms multiply by 1 + weight, GGUF by weight
  bool post_norms = false;        // norms before and after each block
  bool tied = false;              // output = embedding unless config.json says otherwise
  // What config.json leaves out when it is the default (transformers' configuration classes).
  double norm_eps = 1e-6;
  double rope_base = 10000;
  uint32_t context = 0;
  uint32_t heads = 0;     // 0: must be given
  uint32_t kv_heads = 0;  // 0: as many as heads
  uint32_t head_dim = 0;  // 0: d_model / heads
};

/// Unsupported for a model_type that Verge does not know; the error lists those it does.
Result<HfFamily> hf_family(std::string_view model_type);

/// The family of an architecture that GGUF names; of several that share one, any: their tensors
/// have the same names and rows. Unsupported as above.
Result<HfFamily> hf_family_of(std::string_view architecture);

/// GGUF's name of a tensor, "" for one that GGUF does not keep (buffers, the vision tower), nothing
/// for an unknown one.
std::optional<std::string> gguf_tensor_name(const HfFamily& family, std::string_view hf_name);

/// The inverse for families whose projections stand alone ("model.layers.0.mlp.up_proj.weight");
/// nothing for a name that a folder does not hold.
std::optional<std::string> hf_tensor_name(std::string_view gguf_name);

}  // namespace verge::format
