#pragma once
// llama.cpp's logits of tokens 7, 90, 173, ... after 60 random tokens, of small random models of
// seed 1, for machines without llama.cpp: what peer_parity_test.cpp compares in full. Families in
// f32, then the types of weights: a Llama with rows of 256 (test::wide_spec).

#include <cstddef>

#include <verge/core/dtype.hpp>

namespace verge::model {

inline constexpr size_t kCapturedLogits = 6;

inline constexpr size_t captured_token(size_t i) {
  return 7 + 83 * i;
}

struct CapturedRow {
  const char* shape;
  DType dtype;
  float logits[kCapturedLogits];
};

inline constexpr CapturedRow kCapturedFamilies[] = {
    {"tiny-llama", DType::F32, {-0.96115f, 2.92127f, 4.10563f, 3.70584f, -2.77456f, -0.07377f}},
    {"tiny-mistral", DType::F32, {-1.83232f, -1.99246f, 4.95593f, 0.83902f, 0.01761f, -0.11737f}},
    {"tiny-mixtral", DType::F32, {4.59354f, -3.33551f, 1.85464f, 4.37616f, -3.88531f, 0.28413f}},
    {"tiny-qwen2", DType::F32, {-1.27374f, 2.78058f, 1.87105f, 1.04190f, -2.32177f, 0.76301f}},
    {"tiny-qwen3", DType::F32, {5.99813f, 0.26668f, 1.09298f, -3.30712f, -2.58437f, 3.37357f}},
    {"tiny-qwen3moe", DType::F32, {-0.00811f, 0.84032f, 1.99370f, -0.08219f, -2.57783f, 2.19497f}},
    {"tiny-gemma", DType::F32, {-2.25561f, -3.75126f, -1.30160f, 1.81395f, 0.99828f, 1.57695f}},
    {"tiny-gemma2", DType::F32, {0.35801f, -2.79925f, -2.67311f, 2.13688f, -0.36277f, 2.17417f}},
    {"tiny-gemma3", DType::F32, {-1.94259f, -9.13084f, 2.76569f, 1.90149f, -0.63194f, -3.01622f}},
    {"tiny-phi3", DType::F32, {-0.77749f, -1.95276f, 2.73708f, -6.00626f, 0.07537f, -0.72332f}},
};

inline constexpr CapturedRow kCapturedTypes[] = {
    {"tiny-llama",
     DType::F16,
     {0.225429f, 2.221485f, -1.624174f, -4.212959f, 3.692799f, 0.896941f}},
    {"tiny-llama",
     DType::BF16,
     {0.224901f, 2.217196f, -1.615800f, -4.261279f, 3.679735f, 0.894422f}},
    {"tiny-llama",
     DType::Q8_0,
     {0.304507f, 2.243598f, -1.819193f, -4.382622f, 3.588375f, 1.089262f}},
    {"tiny-llama",
     DType::Q4_0,
     {2.321822f, 3.081167f, -2.350958f, -2.550571f, 3.900355f, 0.203602f}},
    {"tiny-llama",
     DType::Q4_K,
     {0.225426f, 2.795348f, -1.933839f, -4.742404f, 2.473392f, -0.040248f}},
    {"tiny-llama",
     DType::Q5_K,
     {0.106586f, 2.365382f, -1.477448f, -3.070353f, 4.367606f, 1.302341f}},
    {"tiny-llama",
     DType::Q6_K,
     {0.159378f, 2.226835f, -1.291321f, -4.134851f, 3.648343f, 1.067773f}},
};

}  // namespace verge::model
