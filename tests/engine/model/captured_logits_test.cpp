#include "tiny_models.hpp"

namespace verge::model {
namespace {

// llama.cpp's logits of tokens 7, 90, 173, ... after 60 random tokens, of the random models of seed
// 1 in f32: what peer_parity_test.cpp compares in full, for machines without llama.cpp.
struct Captured {
  const char* shape;
  float logits[6];
};

constexpr Captured kCaptured[] = {
    {"tiny-llama", {-0.96115f, 2.92127f, 4.10563f, 3.70584f, -2.77456f, -0.07377f}},
    {"tiny-mistral", {-1.83232f, -1.99246f, 4.95593f, 0.83902f, 0.01761f, -0.11737f}},
    {"tiny-mixtral", {4.59354f, -3.33551f, 1.85464f, 4.37616f, -3.88531f, 0.28413f}},
    {"tiny-qwen2", {-1.27374f, 2.78058f, 1.87105f, 1.04190f, -2.32177f, 0.76301f}},
    {"tiny-qwen3", {5.99813f, 0.26668f, 1.09298f, -3.30712f, -2.58437f, 3.37357f}},
    {"tiny-qwen3moe", {-0.00811f, 0.84032f, 1.99370f, -0.08219f, -2.57783f, 2.19497f}},
    {"tiny-gemma", {-2.25561f, -3.75126f, -1.30160f, 1.81395f, 0.99828f, 1.57695f}},
    {"tiny-gemma2", {0.35801f, -2.79925f, -2.67311f, 2.13688f, -0.36277f, 2.17417f}},
    {"tiny-gemma3", {-1.94259f, -9.13084f, 2.76569f, 1.90149f, -0.63194f, -3.01622f}},
    {"tiny-phi3", {-0.77749f, -1.95276f, 2.73708f, -6.00626f, 0.07537f, -0.72332f}},
};

TEST(CapturedLogits, EveryFamilyAgrees) {
  ThreadPool pool(2);
  for (const Captured& captured : kCaptured) {
    const test::TemporaryFolder folder;
    const build::RandomModelSpec spec = test::tiny_spec(captured.shape);
    const auto model =
        test::load_model(test::write_model(folder, spec), pool, test::all_logits_options());
    ASSERT_NE(model, nullptr);
    runtime::Session session = model->session();
    ASSERT_TRUE(session.append(test::random_tokens(60, spec.vocab)).ok());
    for (size_t i = 0; i < std::size(captured.logits); ++i) {
      // llama.cpp's GELU is a table of half floats, which moves Gemma's logits by 1e-3.
      EXPECT_NEAR(session.logits()[7 + 83 * i], captured.logits[i], 2e-3) << captured.shape;
    }
  }
}

}  // namespace
}  // namespace verge::model
