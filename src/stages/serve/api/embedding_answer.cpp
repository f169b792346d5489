#include <cmath>

#include <sodium.h>

#include <verge/stages/serve/api/embedding_answer.hpp>

namespace verge::serve::api {

std::vector<float> unit_vector(std::span<const float> values, int64_t dimensions) {
  if (dimensions > 0) values = values.first(static_cast<size_t>(dimensions));
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * value;
  const double scale = squares > 0 ? 1 / std::sqrt(squares) : 1;
  std::vector<float> unit;
  for (const float value : values) unit.push_back(static_cast<float>(value * scale));
  return unit;
}

std::string base64_of(std::span<const float> values) {
  const auto bytes = std::as_bytes(values);
  constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
  std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), kVariant);
  text.pop_back();
  return text;
}

Json openai_embeddings(const EmbeddingRequest& request,
                       const std::vector<std::vector<float>>& vectors, const Usage& usage) {
  Json data = Json::array();
  for (size_t i = 0; i < vectors.size(); ++i) {
    Json embedding = request.base64 ? Json(base64_of(vectors[i])) : Json(vectors[i]);
    data.push_back({{"object", "embedding"}, {"index", i}, {"embedding", std::move(embedding)}});
  }
  return {
      {"object", "list"},
      {"data", std::move(data)},
      {"model", request.model},
      {"usage", {{"prompt_tokens", usage.prompt_tokens}, {"total_tokens", usage.prompt_tokens}}}};
}

Json ollama_embeddings(const EmbeddingRequest& request,
                       const std::vector<std::vector<float>>& vectors, const Usage& usage,
                       bool legacy) {
  if (legacy) return {{"embedding", vectors.front()}};
  return {{"model", request.model},
          {"embeddings", vectors},
          {"prompt_eval_count", usage.prompt_tokens}};
}

}  // namespace verge::serve::api
