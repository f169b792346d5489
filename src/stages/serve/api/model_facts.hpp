#pragma once
// What a model's file says about it, for lists of models.

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include <verge/stages/serve/scheduler/model_face.hpp>

namespace verge::serve::api {

/// Size of its files.
int64_t file_bytes(const ModelFace& face);
/// The commonest type of its matrices by bytes: "Q4_K"; empty when it has none.
std::string quantization(const ModelFace& face);
/// 64 hexadecimal digits that stand for this name and size. Not of the content, which is not read.
std::string list_digest(const ModelFace& face);
/// Ollama's `details`: format, family, parameter_size, quantization_level.
nlohmann::ordered_json ollama_details(const ModelFace& face);
/// The metadata of the file, without vocabularies and other long lists.
nlohmann::ordered_json metadata_json(const ModelFace& face);

}  // namespace verge::serve::api
