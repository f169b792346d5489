// Logits with an adapter against llama.cpp's.

#include <gtest/gtest.h>

#include "adapters.hpp"
#include "peers.hpp"
#include "tiny_models.hpp"

namespace verge::model {
namespace {

// llama.cpp looks GELU up in a table of half floats, which alone moves Gemma's logits by 1e-4.
struct ParityCase {
  const char* shape;
  DType base, adapter;
  double bound;
};

TEST(AdapterParity, LogitsEqualLlamaCpp) {
  if (llama_peer().empty()) GTEST_SKIP() << llama_peer_missing();
  const ParityCase cases[] = {{"tiny-llama", DType::F32, DType::F32, 1e-5},
                              {"tiny-qwen2", DType::F32, DType::F32, 1e-5},
                              {"tiny-phi3", DType::F32, DType::F32, 1e-5},
                              {"tiny-gemma2", DType::F32, DType::F32, 3e-4},
                              {"tiny-mistral", DType::F32, DType::F16, 2e-3},
                              {"tiny-qwen2", DType::Q8_0, DType::F16, 0.04}};
  for (const ParityCase& c : cases) {
    SCOPED_TRACE(c.shape);
    const test::TemporaryFolder folder;
    const build::RandomModelSpec spec = test::tiny_spec(c.shape);
    const std::string base = test::write_model(folder, spec, c.base);
    const std::string path = folder / "adapter.gguf";
    test::random_adapter(base, {.rank = 4, .dtype = c.adapter}).write_gguf(path);
    const std::vector<int32_t> tokens = test::random_tokens(60, spec.vocab);
    const std::vector<float> wanted = llama_peer_logits(base, tokens, "--lora " + path);
    ThreadPool pool(1);
    LoadOptions options = test::all_logits_options();
    options.adapters = {{"a", path}};
    const auto model = test::load_model(base, pool, options);
    runtime::Session session = model->session();
    session.set_adapter(0);
    std::vector<float> found;
    const Status status = session.append(tokens, [&](int64_t, std::span<const float> logits) {
      found.insert(found.end(), logits.begin(), logits.end());
    });
    ASSERT_TRUE(status.ok()) << status.error().message;
    EXPECT_LE(test::relative_error(found, wanted), c.bound);
    EXPECT_GT(test::relative_error(llama_peer_logits(base, tokens), wanted), 0.05);
  }
}

}  // namespace
}  // namespace verge::model
