// Batched answers that are guessed ahead are still those of generate() alone, whatever happens
// around them.

#include "random_load.hpp"
#include "temporary_folder.hpp"

namespace verge::serve {
namespace {

using Kind = DraftSource::Kind;

DraftSource by(Kind kind) {
  // The model is its own draft model: it guesses all that is drawn by chance alone.
  return {.kind = kind, .path = kind == Kind::Model ? test::repository_model() : ""};
}

class SpeculatingScheduler : public testing::TestWithParam<Kind> {};

TEST_P(SpeculatingScheduler, AnswersAreThoseOfEachAlone) {
  const ModelSnapshot end =
      serve_and_compare({.name = "plenty", .varied = true, .drafts = by(GetParam())});
  EXPECT_EQ(end.preemptions, 0);
  EXPECT_GT(end.prefix_hits, kRequests / 8);
  EXPECT_GT(end.accepted_tokens, kRequests);
  EXPECT_LE(end.accepted_tokens, end.draft_tokens);
  if (GetParam() == Kind::Model) {
    EXPECT_GT(end.accepted_tokens, end.draft_tokens * 8 / 10);
  }
}

TEST_P(SpeculatingScheduler, SampledAnswersAreThoseOfEachAlone) {
  const ModelSnapshot end = serve_and_compare(
      {.name = "sampled", .temperature = 1, .varied = true, .drafts = by(GetParam())});
  EXPECT_GT(end.draft_tokens, kRequests);
}

TEST_P(SpeculatingScheduler, WhereItDecidesByItsClockToo) {
  serve_and_compare(
      {.name = "policy", .varied = true, .drafts = by(GetParam()), .always_draft = false});
}

TEST_P(SpeculatingScheduler, NoTokenIsLostOrChangedUnderPagePressure) {
  for (const int64_t spill_memory_bytes : {int64_t{1} << 30, int64_t{1}}) {
    const ModelSnapshot end = serve_and_compare({.name = "pressure",
                                                 .kv_tokens = 320,
                                                 .spill_memory_bytes = spill_memory_bytes,
                                                 .reserve_pages = 0,
                                                 .temperature = 1,
                                                 .varied = true,
                                                 .drafts = by(GetParam())});
    EXPECT_GT(end.preemptions, 0);
    EXPECT_GT(end.draft_tokens, kRequests / 2);
  }
}

TEST_P(SpeculatingScheduler, WhoIsGivenUpChangesNobodyElsesAnswer) {
  serve_and_compare({.name = "cancelled",
                     .kv_tokens = 512,
                     .reserve_pages = 0,
                     .cancel_one_in = 2,
                     .varied = true,
                     .drafts = by(GetParam())});
}

INSTANTIATE_TEST_SUITE_P(By, SpeculatingScheduler,
                         testing::Values(Kind::Ngram, Kind::Exits, Kind::Model),
                         [](const auto& info) {
                           return std::string(info.param == Kind::Ngram   ? "Ngram"
                                              : info.param == Kind::Exits ? "Exits"
                                                                          : "Model");
                         });

TEST(SpeculatingSchedulerOf, APublishedModelIsServedTheSame) {
  const std::string path = test::shared_data("models/stories260K.gguf");
  if (path.empty()) GTEST_SKIP() << "stories260K.gguf is absent: set VERGE_SHARED_DATA";
  for (const Kind kind : {Kind::Ngram, Kind::Model}) {
    const ModelSnapshot end = serve_and_compare({.name = "stories",
                                                 .model = path,
                                                 .kv_tokens = 512,
                                                 .reserve_pages = 0,
                                                 .temperature = 1,
                                                 .cancel_one_in = 5,
                                                 .varied = true,
                                                 .drafts = {.kind = kind, .path = path}});
    EXPECT_GT(end.accepted_tokens, 0);
  }
}

// The last page: an answer may fill its context, with no room for a guess.
TEST(SpeculatingSchedulerOf, GoesToTheEndOfTheContext) {
  for (const Kind kind : {Kind::None, Kind::Ngram, Kind::Exits, Kind::Model}) {
    Served served({.name = "context", .kv_tokens = 128, .drafts = by(kind)});
    Request request{.model = "m"};
    for (int32_t i = 0; i < 40; ++i) request.prompt.push_back(10 + i % 7);
    request.options.ignore_end = true;
    request.options.sampling.temperature = 0;
    served.submit(request);
    served.finish();
    EXPECT_EQ(served.receivers[0]->end.reason, StopReason::ContextFull);
    EXPECT_EQ(served.receivers[0]->tokens.size(), 128u - 40u + 1u);
  }
}

}  // namespace
}  // namespace verge::serve
