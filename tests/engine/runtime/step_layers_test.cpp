// Layers run apart, one range after the other, are the whole model, bit for bit.

#include "layers_case.hpp"

namespace verge::runtime {
namespace {

class StepLayers : public LayersCase {
 protected:
  // Every piece through all ranges before the next one.
  void expect_chain_is_whole(const std::vector<nn::LayerSpan>& ranges,
                             std::span<const int32_t> tokens, const std::vector<size_t>& pieces,
                             const WholeRun& whole) {
    Sequence sequence(decoder());
    size_t at = 0;
    for (const size_t count : pieces) {
      std::vector<float> states;
      for (const nn::LayerSpan& range : ranges) {
        const bool is_last = range.end == 0 || range.end == kAllLayers;
        const StepItem item{.sequence = &sequence,
                            .tokens = tokens.subspan(at, count),
                            .outputs = is_last ? static_cast<int64_t>(count) : 0,
                            .states = states,
                            .first = static_cast<int64_t>(at)};
        const Status status = run_layers(plans(range), decoder(), std::span(&item, 1));
        ASSERT_TRUE(status.ok()) << status.error().message;
        ASSERT_EQ(sequence.length(), static_cast<int64_t>(at + count));
        if (!is_last) {
          states = kept(step_states(decoder(), 0, static_cast<int64_t>(count)));
        }
      }
      for (size_t row = 0; row < count; ++row) {
        ASSERT_TRUE(
            same_bits(step_logits(decoder(), static_cast<int64_t>(row)), whole.logits[at + row]))
            << "token " << at + row;
      }
      at += count;
    }
    for (int64_t layer = 0; layer < kAllLayers; ++layer) {
      ASSERT_EQ(test::keys_and_values(sequence, layer, 0, sequence.length()),
                whole.cache[static_cast<size_t>(layer)])
          << "layer " << layer;
    }
    EXPECT_TRUE(std::ranges::equal(sequence.tokens(), tokens));
  }

  void expect_chains_are_whole() {
    const size_t prompt = 50, decoded = 5;
    const auto tokens = test::random_tokens(static_cast<int>(prompt + decoded), vocab_);
    const auto pieces = pieces_of(decoder(), prompt, decoded);
    const WholeRun whole = run_whole(tokens, pieces);
    using Ranges = std::vector<nn::LayerSpan>;
    for (const Ranges& ranges : {Ranges{{0, 2}, {2, 4}, {4, 0}}, Ranges{{0, 2}, {2, 0}},
                                 Ranges{{0, 1}, {1, 5}, {5, 6}}, Ranges{{0, 6}}}) {
      expect_chain_is_whole(ranges, tokens, pieces, whole);
      if (HasFatalFailure()) return;
    }
  }
};

TEST_F(StepLayers, AChainIsTheWholeModelInEveryFamily) {
  const std::vector<std::string_view> all = {"tiny-llama",    "tiny-mixtral", "tiny-qwen2",
                                             "tiny-qwen3moe", "tiny-gemma2",  "tiny-gemma3",
                                             "tiny-qwen3",    "tiny-phi3"};
  for (const std::string_view shape : std::span(all).first(test::kSanitized ? 2 : all.size())) {
    SCOPED_TRACE(shape);
    load(shape, DType::Q8_0);
    expect_chains_are_whole();
    if (HasFatalFailure()) return;
  }
}

TEST_F(StepLayers, AChainIsTheWholeModelWithEveryTypeOfWeightsAndCache) {
  const std::vector<DType> all = {DType::F16, DType::Q4_K, DType::F32, DType::Q6_K};
  for (const DType weights : std::span(all).first(test::kSanitized ? 1 : all.size())) {
    SCOPED_TRACE(name(weights));
    load("tiny-llama", weights);
    expect_chains_are_whole();
    if (HasFatalFailure()) return;
  }
  for (const DType cache : {DType::F32, DType::BF16, DType::Q8_0}) {
    SCOPED_TRACE(name(cache));
    load("tiny-llama", DType::Q4_0, cache);
    expect_chains_are_whole();
    if (HasFatalFailure()) return;
  }
}

// The exit heads are those of the drafts: a prefix of the layers as a model of its own.
TEST_F(StepLayers, AnExitHasTheLogitsOfTheModelCutThere) {
  load("tiny-llama");
  const std::string cut_path =
      test::rewrite_model(path_, "-cut.gguf", [](format::Metadata& metadata) {
        metadata.set<uint32_t>("llama.block_count", kFirstExit);
        metadata.remove("verge.exit_layers");
      });
  const auto cut = test::load_model(cut_path, pool_, options());
  ASSERT_NE(cut, nullptr);
  const auto tokens = test::random_tokens(20, vocab_);
  Session session = cut->session();
  ASSERT_TRUE(session.append(tokens).ok());
  Sequence sequence(decoder());
  const StepItem item{&sequence, tokens};
  ASSERT_TRUE(run_layers(plans({0, kFirstExit}), decoder(), std::span(&item, 1)).ok());
  EXPECT_TRUE(same_bits(step_logits(decoder(), 0), session.logits()));
}

TEST_F(StepLayers, StatesStandInTheOrderOfTheItems) {
  load("tiny-gemma2", DType::Q8_0);
  LayerPlans& low = plans({0, kFirstExit});
  std::vector<std::vector<int32_t>> texts;
  for (const int count : {9, 1, 30})
    texts.push_back(test::random_tokens(count, vocab_, 40 + count));
  std::vector<std::vector<float>> alone;
  std::vector<Sequence> sequences;
  std::vector<StepItem> items;
  for (size_t i = 0; i < texts.size(); ++i) {
    Sequence sequence(decoder());
    const StepItem item{&sequence, texts[i], 0};
    ASSERT_TRUE(run_layers(low, decoder(), std::span(&item, 1)).ok());
    alone.push_back(kept(step_states(decoder(), 0, std::ssize(texts[i]))));
    sequences.emplace_back(decoder());
  }
  for (size_t i = 0; i < texts.size(); ++i) items.push_back({&sequences[i], texts[i], 1});
  ASSERT_TRUE(run_layers(low, decoder(), items).ok());
  int64_t row = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_TRUE(same_bits(step_states(decoder(), row, std::ssize(texts[i])), alone[i])) << i;
    row += std::ssize(texts[i]);
  }
  EXPECT_EQ(decoder().rows, row);
  EXPECT_EQ(decoder().outputs, 3);
}

}  // namespace
}  // namespace verge::runtime
