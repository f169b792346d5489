// A token's logits are the same bits whatever else is in the step, and wherever a prompt is cut
// into chunks of at least min_chunk tokens.

#include <cstring>

#include <verge/engine/runtime/step.hpp>

#include "sanitized.hpp"
#include "tiny_models.hpp"

namespace verge::runtime {
namespace {

// What one sequence is fed, chunk by chunk: a prompt in large chunks, then single tokens.
struct Script {
  std::vector<int32_t> tokens;
  std::vector<size_t> chunks;
};

Script random_script(Rng& rng, const Decoder& decoder, int vocab, size_t most_prompt,
                     size_t decoded, uint64_t seed) {
  Script script;
  const auto least = static_cast<size_t>(decoder.min_chunk);
  size_t rest = least + rng.below(static_cast<uint32_t>(most_prompt - least));
  script.tokens = test::random_tokens(static_cast<int>(rest + decoded), vocab, seed);
  while (rest > 0) {
    const size_t most = least + rng.below(60);
    const auto chunk = static_cast<size_t>(
        next_chunk(static_cast<int64_t>(rest), static_cast<int64_t>(most), decoder.min_chunk));
    script.chunks.push_back(chunk > 0 ? chunk : rest);
    rest -= script.chunks.back();
  }
  script.chunks.insert(script.chunks.end(), decoded, 1);
  return script;
}

// A script's place on its way through the model, and the logits of all its tokens so far.
struct Progress {
  Sequence sequence;
  size_t at = 0;
  size_t chunk = 0;
  std::vector<float> logits = {};

  StepItem next(const Script& script) {
    const size_t count = script.chunks[chunk];
    const auto tokens = std::span(script.tokens).subspan(at, count);
    return {&sequence, tokens, static_cast<int64_t>(count)};
  }
};

// Runs the items of the step and keeps their logits.
void advance(Decoder& decoder, std::span<Progress*> group, std::span<const Script*> scripts) {
  std::vector<StepItem> items;
  for (size_t i = 0; i < group.size(); ++i) items.push_back(group[i]->next(*scripts[i]));
  const Status status = run_step(decoder, items);
  ASSERT_TRUE(status.ok()) << status.error().message;
  int64_t row = 0;
  for (size_t i = 0; i < group.size(); ++i) {
    for (int64_t r = 0; r < items[i].outputs; ++r) {
      const auto logits = step_logits(decoder, row++);
      group[i]->logits.insert(group[i]->logits.end(), logits.begin(), logits.end());
    }
    group[i]->at += items[i].tokens.size();
    ++group[i]->chunk;
  }
}

std::vector<float> alone(Decoder& decoder, const Script& script) {
  Progress progress{Sequence(decoder)};
  Progress* group = &progress;
  const Script* scripts = &script;
  while (progress.chunk < script.chunks.size()) {
    advance(decoder, std::span(&group, 1), std::span(&scripts, 1));
  }
  return progress.logits;
}

std::vector<std::vector<float>> together(Decoder& decoder, const std::vector<Script>& scripts,
                                         Rng& rng) {
  std::vector<Progress> all;
  for (size_t i = 0; i < scripts.size(); ++i) all.push_back({Sequence(decoder)});
  for (bool is_done = false; !is_done;) {
    is_done = true;
    std::vector<Progress*> group;
    std::vector<const Script*> group_scripts;
    const size_t first = rng.below(static_cast<uint32_t>(scripts.size()));
    size_t rows = 0;
    for (size_t i = 0; i < scripts.size(); ++i) {
      const size_t index = (first + i) % scripts.size();
      if (all[index].chunk == scripts[index].chunks.size()) continue;
      is_done = false;
      const size_t count = scripts[index].chunks[all[index].chunk];
      if (rng.below(4) == 0 || rows + count > static_cast<size_t>(decoder.max_tokens)) continue;
      rows += count;
      const size_t place = rng.below(static_cast<uint32_t>(group.size() + 1));
      group.insert(group.begin() + static_cast<std::ptrdiff_t>(place), &all[index]);
      group_scripts.insert(group_scripts.begin() + static_cast<std::ptrdiff_t>(place),
                           &scripts[index]);
    }
    if (!group.empty()) advance(decoder, group, group_scripts);
  }
  std::vector<std::vector<float>> logits;
  for (Progress& progress : all) logits.push_back(std::move(progress.logits));
  return logits;
}

// The first value that differs in its bits, or -1.
int64_t first_difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(&a[i], &b[i], sizeof(float)) != 0) return static_cast<int64_t>(i);
  }
  return -1;
}

struct InvarianceCase {
  std::string_view shape;
  DType weights;
  DType cache;
  kernels::Isa isa = kernels::best_isa();
  int sequences = test::kSanitized ? 5 : 24;
};

void expect_invariant(const InvarianceCase& c, uint64_t seed) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  const build::RandomModelSpec spec = test::wide_spec(c.shape);
  const auto model = test::load_model(test::write_model(folder, spec, c.weights), pool,
                                      {.context = 256,
                                       .max_tokens = 256,
                                       .max_outputs = 256,
                                       .max_sequences = 40,
                                       .kv_tokens = 40 * 256,
                                       .kv_dtype = c.cache,
                                       .isa = c.isa});
  ASSERT_NE(model, nullptr);
  Decoder& decoder = model->decoder();
  Rng rng(seed, 3);
  std::vector<Script> scripts;
  for (int i = 0; i < c.sequences; ++i) {
    const size_t most_prompt = i < (test::kSanitized ? 1 : 4) ? 150 : 40;
    scripts.push_back(random_script(rng, decoder, spec.vocab, most_prompt, 6, seed + i));
  }
  const auto joint = together(decoder, scripts, rng);
  for (size_t i = 0; i < scripts.size(); ++i) {
    const auto expected = alone(decoder, scripts[i]);
    const int64_t at = first_difference(joint[i], expected);
    ASSERT_EQ(at, -1) << c.shape << " " << name(c.weights) << " " << name(c.cache) << " "
                      << kernels::name(c.isa) << ": sequence " << i << ", token " << at / spec.vocab
                      << " of " << scripts[i].tokens.size() << ", first chunk "
                      << scripts[i].chunks[0] << ": " << joint[i][static_cast<size_t>(at)] << " "
                      << expected[static_cast<size_t>(at)];
  }
}

TEST(StepInvariance, EveryTypeOfWeights) {
  for (const DType weights : {DType::Q4_0, DType::Q8_0, DType::Q4_K, DType::Q5_K, DType::Q6_K,
                              DType::F16, DType::BF16, DType::F32}) {
    expect_invariant({"tiny-llama", weights, DType::F16}, 11);
  }
}

TEST(StepInvariance, EveryTypeOfCache) {
  for (const DType cache : {DType::F32, DType::F16, DType::BF16, DType::Q8_0}) {
    expect_invariant({"tiny-qwen2", DType::Q4_0, cache}, 12);
  }
}

TEST(StepInvariance, EveryFamily) {
  for (const std::string_view shape :
       {"tiny-mixtral", "tiny-qwen3moe", "tiny-gemma2", "tiny-gemma3", "tiny-qwen3", "tiny-phi3"}) {
    expect_invariant({shape, DType::Q8_0, DType::F16}, 13);
  }
}

TEST(StepInvariance, EveryInstructionSet) {
  for (const kernels::Isa isa : kernels::kAllIsas) {
    if (isa > kernels::best_isa()) continue;
    const int sequences = test::kSanitized ? 3 : isa == kernels::Isa::Generic ? 4 : 12;
    const std::vector<DType> all = {DType::Q4_0, DType::F16, DType::Q4_K, DType::Q6_K};
    for (const DType weights : std::span(all).first(test::kSanitized ? 2 : all.size())) {
      expect_invariant({"tiny-llama", weights, DType::F16, isa, sequences}, 14);
    }
    expect_invariant({"tiny-mixtral", DType::Q4_0, DType::Q8_0, isa, sequences}, 15);
  }
}

// Prompts in random chunks against the same prompts whole.
TEST(StepInvariance, ChunksOfAPromptGiveTheBitsOfTheWhole) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  for (const DType cache : {DType::F32, DType::F16, DType::Q8_0}) {
    for (const std::string_view shape : {"tiny-llama", "tiny-qwen2", "tiny-gemma3"}) {
      const build::RandomModelSpec spec = test::wide_spec(shape);
      const auto model = test::load_model(
          test::write_model(folder, spec, DType::Q4_0), pool,
          {.context = 256, .max_tokens = 256, .max_outputs = 256, .kv_dtype = cache});
      ASSERT_NE(model, nullptr);
      Rng rng(5, 1);
      for (uint64_t turn = 0; turn < (test::kSanitized ? 1 : 6); ++turn) {
        const Script cut = random_script(rng, model->decoder(), spec.vocab, 240, 3, turn);
        Script whole = cut;
        whole.chunks = {cut.tokens.size() - 3, 1, 1, 1};
        const int64_t at =
            first_difference(alone(model->decoder(), cut), alone(model->decoder(), whole));
        ASSERT_EQ(at, -1) << shape << " " << name(cache) << ", token " << at / spec.vocab << " of "
                          << cut.tokens.size() << ", first chunk " << cut.chunks[0];
      }
    }
  }
}

}  // namespace
}  // namespace verge::runtime
