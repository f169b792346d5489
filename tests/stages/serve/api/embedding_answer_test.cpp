#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/embedding_answer.hpp>

namespace verge::serve::api {
namespace {

TEST(EmbeddingAnswer, VectorsHaveLengthOne) {
  const std::vector<float> values = {3, 4, 12};
  EXPECT_EQ(unit_vector(values, 2), (std::vector<float>{0.6f, 0.8f}));
  double squares = 0;
  for (const float value : unit_vector(values, 0)) squares += value * value;
  EXPECT_NEAR(squares, 1, 1e-6);
  EXPECT_EQ(unit_vector(std::vector<float>{0, 0}, 0), (std::vector<float>{0, 0}));
}

TEST(EmbeddingAnswer, Base64IsOfTheBytes) {
  EXPECT_EQ(base64_of(std::vector<float>{1.0f}), "AACAPw==");
  EXPECT_EQ(base64_of(std::vector<float>{}), "");
}

TEST(EmbeddingAnswer, EachProtocolHasItsShape) {
  EmbeddingRequest request;
  request.model = "m";
  const std::vector<std::vector<float>> vectors = {{1, 0}, {0, 1}};
  const auto openai = openai_embeddings(request, vectors, {.prompt_tokens = 5});
  EXPECT_EQ(openai["data"][1]["index"], 1);
  EXPECT_EQ(openai["data"][1]["embedding"], (std::vector<float>{0, 1}));
  EXPECT_EQ(openai["usage"]["total_tokens"], 5);
  request.base64 = true;
  EXPECT_TRUE(openai_embeddings(request, vectors, {})["data"][0]["embedding"].is_string());
  EXPECT_EQ(ollama_embeddings(request, vectors, {}, false)["embeddings"].size(), 2u);
  EXPECT_EQ(ollama_embeddings(request, vectors, {}, true).dump(), R"({"embedding":[1.0,0.0]})");
}

}  // namespace
}  // namespace verge::serve::api
