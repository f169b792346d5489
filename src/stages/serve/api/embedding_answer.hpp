#pragma once
// Vectors of texts as the protocols write them.

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <verge/stages/serve/api/openai_request.hpp>
#include <verge/stages/serve/scheduler/request.hpp>

namespace verge::serve::api {

/// The first `dimensions` values (0: all) at length 1; a vector of zeros stays one.
std::vector<float> unit_vector(std::span<const float> values, int64_t dimensions);

/// Little-endian f32 in base64.
std::string base64_of(std::span<const float> values);

/// {"object": "list", "data": [{"embedding"}], "model", "usage"}
nlohmann::ordered_json openai_embeddings(const EmbeddingRequest& request,
                                         const std::vector<std::vector<float>>& vectors,
                                         const Usage& usage);
/// {"model", "embeddings"}, or {"embedding"} of the older route.
nlohmann::ordered_json ollama_embeddings(const EmbeddingRequest& request,
                                         const std::vector<std::vector<float>>& vectors,
                                         const Usage& usage, bool legacy);

}  // namespace verge::serve::api
