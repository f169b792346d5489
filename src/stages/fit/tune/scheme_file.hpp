#pragma once
// Schemes as files: JSON, bound to the model by the hash of its weights.
//
//   {"model": "91c3...", "layers": {"stage.2.1.conv.weight": "full",
//    "stage.1.0.conv.weight": {"ratio": 0.25, "select": "magnitude+"},
//    "stage.0.0.conv.weight": "bias"}, "lora": {"rank": 8, "alpha": 16}}
//
// A layer is "none", "bias", "full", {"ratio", "select": "magnitude+" | "magnitude-" | "random"},
// or
// {"channels": [0, 5, 9]}. What is not named is left alone.

#include <string>
#include <string_view>

#include <verge/engine/nn/update_scheme.hpp>

namespace verge::fit {

struct SchemeFile {
  std::string model = {};  // hash of the weights; empty: for any model of these names
  nn::UpdateScheme scheme = {};
};

std::string print_scheme(const SchemeFile& file);

/// `name` stands in errors. Fails with Malformed for what is no JSON or another form than above,
/// naming the layer.
Result<SchemeFile> parse_scheme(std::string_view text, std::string_view name);

/// Reads a file. Fails with Conflict for the scheme of another model.
Result<nn::UpdateScheme> read_scheme(const std::string& path, std::string_view model_hash);

}  // namespace verge::fit
