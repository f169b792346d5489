#pragma once
// A model of six layers with exit heads after two and four, run whole and by ranges of its layers.

#include <cstring>

#include <verge/engine/runtime/step.hpp>

#include "exit_models.hpp"
#include "sanitized.hpp"

namespace verge::runtime {

inline constexpr int64_t kFirstExit = 2, kSecondExit = 4, kAllLayers = 6;

inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

inline std::vector<float> kept(std::span<const float> values) {
  return {values.begin(), values.end()};
}

/// What one model makes of a text, run whole and chunk by chunk.
struct WholeRun {
  std::vector<std::vector<float>> logits;     // after each token
  std::vector<std::vector<std::byte>> cache;  // of each layer
};

// Pieces of a prompt that leave the bits as they are, then tokens one by one.
inline std::vector<size_t> pieces_of(const Decoder& decoder, size_t prompt, size_t decoded) {
  const auto least = static_cast<size_t>(decoder.min_chunk);
  std::vector<size_t> pieces = {prompt - least, least};
  pieces.insert(pieces.end(), decoded, 1);
  return pieces;
}

class LayersCase : public testing::Test {
 protected:
  static model::LoadOptions options(DType cache = DType::F16) {
    return {.context = 256,
            .max_tokens = 128,
            .max_outputs = 128,
            .max_sequences = 40,
            .kv_tokens = 16 * 256,
            .kv_dtype = cache};
  }
  void load(std::string_view shape, DType weights = DType::F32, DType cache = DType::F16) {
    path_ = test::write_exit_model(folder_, shape, weights);
    model_ = test::load_model(path_, pool_, options(cache));
    ASSERT_NE(model_, nullptr);
    vocab_ = static_cast<int>(model_->config().vocab);
  }
  Decoder& decoder() { return model_->decoder(); }

  LayerPlans& plans(nn::LayerSpan layers) {
    const auto prepared = model_->prepare_layers(layers);
    EXPECT_TRUE(prepared.ok()) << prepared.error().message;
    return **prepared;
  }

  // The logits of all rows of a step.
  static std::vector<std::vector<float>> rows_of(const Decoder& decoder) {
    std::vector<std::vector<float>> rows;
    for (int64_t row = 0; row < decoder.outputs; ++row) {
      rows.push_back(kept(step_logits(decoder, row)));
    }
    return rows;
  }

  WholeRun run_whole(std::span<const int32_t> tokens, const std::vector<size_t>& pieces) {
    Sequence sequence(decoder());
    WholeRun run;
    size_t at = 0;
    for (const size_t count : pieces) {
      const StepItem item{&sequence, tokens.subspan(at, count), static_cast<int64_t>(count)};
      EXPECT_TRUE(run_step(decoder(), std::span(&item, 1)).ok());
      for (std::vector<float>& row : rows_of(decoder())) run.logits.push_back(std::move(row));
      at += count;
    }
    for (int64_t layer = 0; layer < decoder().layers; ++layer) {
      run.cache.push_back(test::keys_and_values(sequence, layer, 0, sequence.length()));
    }
    return run;
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{2};
  std::string path_;
  std::unique_ptr<model::LanguageModel> model_;
  int vocab_ = 0;
};

}  // namespace verge::runtime
