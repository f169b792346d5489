#include <cmath>

#include <shared_data.hpp>
#include <tiny_models.hpp>

#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/quality/gate.hpp>
#include <verge/engine/quality/text_quality.hpp>

namespace verge::quality {
namespace {

std::unique_ptr<model::LanguageModel> load(const std::string& path, ThreadPool& pool) {
  return test::load_model(path, pool, {.context = 64, .max_outputs = kRows});
}

std::vector<int32_t> random_tokens(const model::LanguageModel& model, int count) {
  Rng rng(7);
  std::vector<int32_t> tokens(count);
  for (int32_t& token : tokens) token = static_cast<int32_t>(rng.below(model.tokenizer().size()));
  return tokens;
}

// log softmax of the logits after one more token, in double.
std::vector<double> next_log_probabilities(runtime::Session& session, int32_t token) {
  EXPECT_TRUE(session.append(std::span(&token, 1)));
  std::vector<double> values(session.logits().begin(), session.logits().end());
  double sum = 0;
  for (const double x : values) sum += std::exp(x);
  for (double& x : values) x -= std::log(sum);
  return values;
}

// The model with the values of its weights in f32: products round no activations, so that how a
// text is cut into steps changes next to nothing.
std::string in_f32(const std::string& path) {
  const auto source = format::ModelSource::open(path);
  EXPECT_TRUE(source.ok()) << source.error().message;
  const model::FileFacts facts(*source);
  std::vector<std::vector<float>> values;
  format::GgufWriter writer(source->metadata);
  for (const format::StoredTensor& tensor : source->tensors()) {
    values.push_back(facts.tensor_values(tensor.name));
    const auto bytes = std::as_bytes(std::span(values.back()));
    EXPECT_TRUE(writer.add(tensor.name, DType::F32, tensor.shape, bytes));
  }
  EXPECT_TRUE(writer.write(path + "-f32"));
  return path + "-f32";
}

struct Direct {
  double nll = 0;
  double kl = 0;
  double same = 0;
};

Direct measure_directly(model::LanguageModel& own, model::LanguageModel& reference,
                        std::vector<int32_t> tokens, int64_t chunk) {
  Direct sums;
  double scored = 0;
  for (int64_t begin = 0; begin + chunk <= std::ssize(tokens); begin += chunk) {
    const auto& vocabulary = own.tokenizer().vocabulary();
    if (*vocabulary.add_bos) tokens[begin] = vocabulary.bos;
    runtime::Session own_session = own.session(), reference_session = reference.session();
    for (int64_t i = 0; i + 1 < chunk; ++i) {
      const auto q = next_log_probabilities(own_session, tokens[begin + i]);
      const auto p = next_log_probabilities(reference_session, tokens[begin + i]);
      if (i < chunk / 2) continue;
      sums.nll -= q[tokens[begin + i + 1]];
      for (size_t k = 0; k < p.size(); ++k) sums.kl += std::exp(p[k]) * (p[k] - q[k]);
      sums.same +=
          std::ranges::max_element(p) - p.begin() == std::ranges::max_element(q) - q.begin();
      ++scored;
    }
  }
  return {sums.nll / scored, sums.kl / scored, sums.same / scored};
}

TEST(TextQuality, EqualsATokenByTokenSum) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  for (const char* shape : {"tiny-llama", "tiny-qwen2"}) {
    const auto spec = test::tiny_spec(shape);
    const auto reference = load(test::write_model(folder, spec), pool);
    const auto own = load(in_f32(test::write_model(folder, spec, DType::Q4_0)), pool);
    const auto tokens = random_tokens(*own, 75);
    const auto quality = measure_text(*own, reference.get(), tokens, pool, {.chunk = 24});
    ASSERT_TRUE(quality) << quality.error().message;
    const Direct direct = measure_directly(*own, *reference, tokens, 24);
    EXPECT_EQ(quality->chunks, 3);
    EXPECT_EQ(quality->nll.count, 3 * 11);
    EXPECT_NEAR(quality->nll.value, direct.nll, 1e-4) << shape;
    EXPECT_NEAR(quality->divergence->kl.value, direct.kl, 1e-3 * direct.kl) << shape;
    EXPECT_NEAR(quality->divergence->top1.value, direct.same, 1e-12) << shape;
    EXPECT_NEAR(quality->perplexity.value, std::exp(direct.nll), 1e-4 * std::exp(direct.nll));
    EXPECT_GT(quality->divergence->kl_quantile.value, quality->divergence->kl.value);
  }
}

TEST(TextQuality, AModelDoesNotDivergeFromItself) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const std::string path = test::write_model(folder, test::tiny_spec("tiny-llama"));
  const auto own = load(path, pool), reference = load(path, pool);
  const auto quality =
      measure_text(*own, reference.get(), random_tokens(*own, 64), pool, {.chunk = 32});
  ASSERT_TRUE(quality) << quality.error().message;
  EXPECT_NEAR(quality->divergence->kl.value, 0, 1e-12);
  EXPECT_EQ(quality->divergence->top1.value, 1);
  EXPECT_EQ(quality->nll.value, quality->divergence->reference_nll.value);
}

TEST(TextQuality, RefusesWhatItCannotMeasure) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const auto spec = test::tiny_spec("tiny-llama");
  const auto own = load(test::write_model(folder, spec), pool);
  const auto other = load(test::write_model(folder, test::tiny_spec("tiny-qwen2")), pool);
  const auto tokens = random_tokens(*own, 64);
  const auto code = [&](model::LanguageModel* reference, int64_t chunk) {
    const auto quality = measure_text(*own, reference, tokens, pool, {.chunk = chunk});
    return quality ? Code::Internal : quality.error().code;
  };
  EXPECT_EQ(code(nullptr, 3), Code::InvalidArgument);
  EXPECT_EQ(code(nullptr, 65), Code::InvalidArgument);
  EXPECT_EQ(code(other.get(), 32), Code::Conflict);
  const std::atomic<bool> cancel = true;
  const auto stopped = measure_text(*own, nullptr, tokens, pool, {.chunk = 32, .cancel = &cancel});
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::Cancelled);
}

TEST(TextQuality, ARealModelKnowsStoriesBetterThanEncyclopediae) {
  const std::string path = test::shared_data("models/stories260K.gguf");
  if (path.empty()) GTEST_SKIP() << "no shared data";
  ThreadPool pool(2);
  const auto model = test::load_model(path, pool, {.max_outputs = kRows});
  const auto perplexity = [&](std::string_view text) {
    const auto tokens = model->tokenizer().encode(text, {.add_special = false});
    const auto quality = measure_text(*model, nullptr, tokens, pool,
                                      {.chunk = std::min<int64_t>(64, std::ssize(tokens))});
    EXPECT_TRUE(quality) << quality.error().message;
    return quality ? quality->perplexity.value : 0.0;
  };
  const double story = perplexity(
      "Once upon a time, there was a little girl named Lily. She loved to play outside in the park "
      "with her friends. One day, she saw a big dog. The dog was very happy and wanted to play.");
  const double article = perplexity(
      "The species is monotypic within the genus Homarus; its exoskeleton undergoes ecdysis, and "
      "sclerotised appendages regenerate over consecutive moults under laboratory conditions.");
  EXPECT_GT(story, 1);
  EXPECT_LT(story, 20);
  EXPECT_GT(article, 3 * story);
}

}  // namespace
}  // namespace verge::quality
