#include <cmath>

#include <gtest/gtest.h>

#include <verge/stages/build/random_model/random_model.hpp>

#include "peers.hpp"

namespace verge::build {
namespace {

std::string written(RandomModelSpec spec, DType dtype) {
  spec.dtype = [dtype](std::string_view, const Shape& shape) {
    return shape.back() % info(dtype).block_size == 0 ? dtype : DType::F32;
  };
  const std::string path = fmt::format("{}{}.gguf", testing::TempDir(), spec.name);
  ThreadPool pool(2);
  const Status status = write_random_model(spec, path, pool);
  EXPECT_TRUE(status.ok()) << status.error().message;
  return path;
}

TEST(Peer, LlamaCppLoadsEveryFamilyAndItsLogitsAreAlive) {
  if (llama_peer().empty()) GTEST_SKIP() << llama_peer_missing();
  const std::vector<int32_t> tokens = {1, 300, 5, 77, 410, 9, 23, 301, 302, 44, 4, 350};
  for (const std::string& name : random_model_names()) {
    if (!name.starts_with("tiny-")) continue;
    const RandomModelSpec spec = *random_model_spec(name);
    const std::vector<float> logits = llama_peer_logits(written(spec, DType::F32), tokens);
    ASSERT_EQ(logits.size(), tokens.size() * static_cast<size_t>(spec.vocab)) << name;
    double squares = 0;
    for (const float logit : logits) squares += double{logit} * logit;
    const double deviation = std::sqrt(squares / static_cast<double>(logits.size()));
    EXPECT_TRUE(deviation > 1.5 && deviation < 4.0) << name << " " << deviation;
  }
}

TEST(Peer, LlamaCppReadsTextInTheInventedVocabularies) {
  if (llama_peer().empty()) GTEST_SKIP() << llama_peer_missing();
  for (const char* name : {"tiny-llama", "tiny-gemma3", "tiny-qwen2"}) {
    const std::string path = written(*random_model_spec(name), DType::Q8_0);
    const std::string answer =
        ask_llama_peer("generate " + path + " -p 'Once upon a time, 3 x 4 = 12!' -n 4");
    EXPECT_NE(answer.find("\"prompt\""), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace verge::build
