// Draws with speculation follow the distribution without: chi-square of the first three tokens
// against the probabilities that the model and the sampler give every path.

#include <map>

#include "sanitized.hpp"
#include "speculation_case.hpp"

namespace verge::serve {
namespace {

using Path = std::vector<int32_t>;

class SpeculationSampling : public SpeculationCase {
 protected:
  SpeculationSampling() { kv_tokens_ = 320; }

  static constexpr int kTokens = 3;
  static constexpr int kDraws = test::kSanitized ? 2000 : 20000;

  // Few paths, so that each is drawn often.
  void use(float temperature, int32_t top_k, float penalty) {
    options_.sampling = {.temperature = temperature,
                         .top_k = top_k,
                         .top_p = 1,
                         .min_p = 0,
                         .repetition_penalty = penalty};
    options_.max_tokens = kTokens;
    prompt_ = test::random_tokens(40, 512);
  }

  // Every path of three tokens with its probability, by running the model on each.
  void add_paths(runtime::Session& session, const text::Sampler& sampler, const Path& path,
                 double probability, std::map<Path, double>& paths) {
    if (path.size() == kTokens) {
      paths[path] = probability;
      return;
    }
    text::Sampler here = sampler;
    const auto distribution = here.distribution(session.logits());
    ASSERT_TRUE(distribution.ok());
    for (const text::TokenProbability& next : *distribution) {
      Path longer = path;
      longer.push_back(next.token);
      text::Sampler after = sampler;
      after.accept(next.token);
      const int64_t length = session.length();
      ASSERT_TRUE(session.append(std::span(&next.token, 1)).ok());
      add_paths(session, after, longer, probability * next.probability, paths);
      session.truncate(length - 1);
      ASSERT_TRUE(session.append(std::span(path.empty() ? &prompt_.back() : &path.back(), 1)).ok());
    }
  }

  std::map<Path, double> paths() {
    runtime::Session session = model_->session();
    EXPECT_TRUE(session.append(prompt_).ok());
    auto sampler = text::Sampler::create(options_.sampling, 512);
    for (const int32_t token : prompt_) sampler->accept(token);
    std::map<Path, double> all;
    add_paths(session, *sampler, {}, 1, all);
    return all;
  }

  // Chi-square per degree of freedom, as a z score; paths expected less than five times are merged.
  double z_score(const std::map<Path, double>& expected, std::map<Path, int> found) const {
    double chi_square = 0, rare_expected = 0, rare_found = 0;
    int cells = 0;
    const auto add = [&](double wanted, double count) {
      chi_square += (count - wanted) * (count - wanted) / wanted;
      ++cells;
    };
    for (const auto& [path, probability] : expected) {
      const double wanted = probability * kDraws;
      if (wanted < 5) {
        rare_expected += wanted, rare_found += found[path];
      } else {
        add(wanted, found[path]);
      }
      found.erase(path);
    }
    EXPECT_TRUE(found.empty());  // no path that cannot be
    if (rare_expected >= 5) add(rare_expected, rare_found);
    const double freedom = cells - 1;
    return (chi_square - freedom) / std::sqrt(2 * freedom);
  }

  std::map<Path, int> draws(Advance* advance) {
    std::map<Path, int> found;
    runtime::Session session = model_->session();
    const auto head = std::span(prompt_).first(prompt_.size() - 1);
    EXPECT_TRUE(session.append(head).ok());
    for (int i = 0; i < kDraws; ++i) {
      options_.sampling.seed = static_cast<uint64_t>(i);
      session.truncate(static_cast<int64_t>(head.size()));
      EXPECT_TRUE(session.append(std::span(&prompt_.back(), 1)).ok());
      auto answer = Answer::start(model_->tokenizer(), options_, prompt_);
      EXPECT_TRUE(answer->draw(session.logits()).ok());
      while (!answer->reason()) EXPECT_TRUE(advance->step(session, *answer, nullptr).ok());
      ++found[answer->tokens()];
    }
    return found;
  }

  void expect_same_distribution(const char* name, DraftDraws how) {
    SpeculativeAdvance advance(proposer(name), always(how), clock_);
    expect_same_distribution(name, advance);
  }

  void expect_same_distribution(const char* name, DraftingAdvance& advance) {
    const std::map<Path, double> expected = paths();
    double sum = 0;
    for (const auto& [path, probability] : expected) sum += probability;
    EXPECT_NEAR(sum, 1, 1e-4);
    EXPECT_LT(z_score(expected, draws(&advance)), 3.5) << name;
    EXPECT_GT(advance.counts().draft_tokens, kDraws / 2) << name;
    if (std::string(name) == "self") return;
    EXPECT_GT(advance.counts().draft_tokens, advance.counts().accepted_tokens) << name;
  }
};

TEST_F(SpeculationSampling, DraftsWithDrawsOfTheirOwn) {
  use(1.2f, 5, 1);
  expect_same_distribution("other", DraftDraws::Own);
  expect_same_distribution("exits", DraftDraws::Own);
}

TEST_F(SpeculationSampling, DraftsWithDrawsOfTheirOwnAndPenalties) {
  use(0.9f, 5, 1.5f);
  options_.sampling.presence_penalty = 0.3f;
  expect_same_distribution("exits", DraftDraws::Own);
}

TEST_F(SpeculationSampling, Trees) {
  use(1.2f, 5, 1.3f);
  TreeAdvance advance(proposer("exits"), {.nodes = 7, .depth = 2, .width = 2}, always(), clock_);
  expect_same_distribution("exits", advance);
}

TEST_F(SpeculationSampling, DraftsThatShareTheDraws) {
  use(1.2f, 5, 1.3f);
  expect_same_distribution("exits", DraftDraws::Shared);
}

}  // namespace
}  // namespace verge::serve
