#include "captured_logits.hpp"

#include "peers.hpp"
#include "tiny_models.hpp"

namespace verge::model {
namespace {

class CapturedLogitsTest : public testing::Test {
 protected:
  std::string write(const CapturedRow& row) {
    const auto spec =
        row.dtype == DType::F32 ? test::tiny_spec(row.shape) : test::wide_spec(row.shape);
    tokens_ = test::random_tokens(60, spec.vocab);
    return test::write_model(folder_, spec, row.dtype);
  }

  static std::vector<float> pick(std::span<const float> logits) {
    std::vector<float> picked;
    for (size_t i = 0; i < kCapturedLogits; ++i) picked.push_back(logits[captured_token(i)]);
    return picked;
  }

  std::vector<float> ours(const CapturedRow& row) {
    const auto model = test::load_model(write(row), pool_, test::all_logits_options());
    if (model == nullptr) return {};
    runtime::Session session = model->session();
    EXPECT_TRUE(session.append(tokens_).ok());
    return pick(session.logits());
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{2};
  std::vector<int32_t> tokens_;
};

TEST_F(CapturedLogitsTest, EveryFamilyAgrees) {
  for (const CapturedRow& row : kCapturedFamilies) {
    // See gelu_table_test.cpp for Gemma.
    const bool is_gemma = std::string_view(row.shape).starts_with("tiny-gemma");
    EXPECT_LE(test::relative_error(ours(row), row.logits), is_gemma ? 5e-4 : 1e-5) << row.shape;
  }
}

// The bounds are those of peer_parity_test.cpp: what rounding activations does.
TEST_F(CapturedLogitsTest, EveryTypeIsNear) {
  for (const CapturedRow& row : kCapturedTypes) {
    const double bound = row.dtype == DType::F16    ? 2e-3
                         : row.dtype == DType::BF16 ? 1e-2
                         : row.dtype == DType::Q8_0 ? 0.02
                                                    : 0.06;
    EXPECT_LE(test::relative_error(ours(row), row.logits), bound) << name(row.dtype);
  }
}

// What was captured is what llama.cpp still says.
TEST_F(CapturedLogitsTest, AreThoseOfLlamaCpp) {
  if (llama_peer().empty()) GTEST_SKIP() << llama_peer_missing();
  std::vector<CapturedRow> rows(std::begin(kCapturedFamilies), std::end(kCapturedFamilies));
  rows.insert(rows.end(), std::begin(kCapturedTypes), std::end(kCapturedTypes));
  for (const CapturedRow& row : rows) {
    const std::string path = write(row);
    const std::vector<float> all = llama_peer_logits(path, tokens_);
    const std::vector<float> picked = pick(std::span(all).last(all.size() / tokens_.size()));
    EXPECT_LE(test::relative_error(picked, row.logits), 1e-4)
        << fmt::format("{} {} {{{:.6f}f}}", row.shape, name(row.dtype), fmt::join(picked, "f, "));
  }
}

}  // namespace
}  // namespace verge::model
