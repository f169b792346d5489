// Batched answers are those of generate() alone, whatever happens around them.

#include "random_load.hpp"
#include "small_disk.hpp"
#include "temporary_folder.hpp"
#include "tiny_models.hpp"

namespace verge::serve {
namespace {

TEST(Scheduler, AnswersAreThoseOfEachAlone) {
  const ModelSnapshot end = serve_and_compare({.name = "plenty"});
  EXPECT_EQ(end.preemptions, 0);
  EXPECT_EQ(std::ranges::max(end.batch_sizes), 8);
  EXPECT_GT(end.prefix_hits, kRequests / 8);
  EXPECT_GT(end.cached_tokens, 7 * kRequests);
}

TEST(Scheduler, SampledAnswersAreThoseOfEachAlone) {
  serve_and_compare({.name = "sampled", .temperature = 1});
}

// Below a budget that leaves half of the weights in memory, with experts and without; with a guess.
TEST(Scheduler, StreamedAnswersAreThoseOfTheModelWhole) {
  const test::TemporaryFolder folder;
  for (const char* shape : {"tiny-llama", "tiny-qwen3moe"}) {
    const std::string path = test::write_model(folder, test::wide_spec(shape), DType::Q8_0);
    Setting setting{.name = fmt::format("{} streamed", shape),
                    .model = path,
                    .kv_tokens = 1024,
                    .temperature = 1,
                    .cancel_one_in = 5,
                    .streamed_part = 0.5};
    if (shape == std::string("tiny-llama")) setting.drafts.kind = DraftSource::Kind::Ngram;
    const ModelSnapshot end = serve_and_compare(setting);
    EXPECT_GT(end.streamed_bytes, 0);
    EXPECT_GT(end.stream_read_bytes, end.streamed_bytes);
  }
}

TEST(Scheduler, WithoutSharingToo) {
  const ModelSnapshot end = serve_and_compare({.name = "apart", .share_prefixes = false});
  EXPECT_EQ(end.prefix_hits, 0);
  EXPECT_EQ(end.pages_cached, 0);
}

TEST(Scheduler, NoTokenIsLostOrChangedUnderPagePressure) {
  const ModelSnapshot end = serve_and_compare(
      {.name = "pressure", .kv_tokens = 384, .reserve_pages = 0, .temperature = 1});
  EXPECT_GT(end.preemptions, kRequests / 8);
}

TEST(Scheduler, WhatDoesNotFitInMemoryGoesToAFile) {
  test::TemporaryFolder folder;
  const ModelSnapshot end = serve_and_compare({.name = "file",
                                               .kv_tokens = 384,
                                               .spill_memory_bytes = 1,
                                               .spill_folder = folder.path(),
                                               .reserve_pages = 0});
  EXPECT_GT(end.preemptions, kRequests / 8);
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(Scheduler, WhereThereIsNoRoomForPagesTheyAreComputedAgain) {
  for (const char* spill_folder : {"", "/absent/folder"}) {
    const ModelSnapshot end = serve_and_compare({.name = spill_folder,
                                                 .kv_tokens = 384,
                                                 .spill_memory_bytes = 1,
                                                 .spill_folder = spill_folder,
                                                 .reserve_pages = 0,
                                                 .temperature = 1});
    EXPECT_GT(end.preemptions, kRequests / 8);
  }
}

TEST(Scheduler, AFullDiskLosesNothing) {
  test::TemporaryFolder folder;
  const test::SmallDisk full(4096);
  const ModelSnapshot end = serve_and_compare({.name = "full disk",
                                               .kv_tokens = 384,
                                               .spill_memory_bytes = 1,
                                               .spill_folder = folder.path(),
                                               .reserve_pages = 0});
  EXPECT_GT(end.preemptions, kRequests / 8);
}

TEST(Scheduler, WhoIsGivenUpChangesNobodyElsesAnswer) {
  serve_and_compare(
      {.name = "cancelled", .kv_tokens = 384, .reserve_pages = 0, .cancel_one_in = 2});
}

TEST(Scheduler, APublishedModelIsServedTheSame) {
  const std::string path = test::shared_data("models/stories260K.gguf");
  if (path.empty()) GTEST_SKIP() << "stories260K.gguf is absent: set VERGE_SHARED_DATA";
  serve_and_compare({.name = "stories", .model = path});
  serve_and_compare({.name = "stories",
                     .model = path,
                     .kv_tokens = 512,
                     .reserve_pages = 0,
                     .temperature = 1,
                     .cancel_one_in = 5});
}

Request request_of(int64_t prompt, int64_t answer, int32_t first = 10) {
  Request request{.model = "m"};
  for (int64_t i = 0; i < prompt; ++i)
    request.prompt.push_back(first + static_cast<int32_t>(i % 50));
  request.options.max_tokens = answer;
  request.options.ignore_end = true;
  request.options.sampling.temperature = 0;
  return request;
}

TEST(Scheduler, EqualPromptsThatArriveTogetherAreComputedOnce) {
  Served served({.name = "together"});
  for (int i = 0; i < 4; ++i) served.submit(request_of(200, 4));
  served.finish();
  const ModelSnapshot end = served.model();
  EXPECT_EQ(end.prefix_hits, 3);
  EXPECT_LE(end.prefill_tokens, 200 + 3 * 63);
  for (const auto& receiver : served.receivers)
    EXPECT_EQ(receiver->tokens, served.receivers[0]->tokens);
}

TEST(Scheduler, ALongPromptDoesNotStopAnAnswer) {
  Served served({.name = "long prompt"});
  served.submit(request_of(8, 40));
  while (served.receivers[0]->tokens.empty()) served.step();
  served.submit(request_of(220, 4, 90));
  while (served.receivers[1]->tokens.empty()) {
    const size_t before = served.receivers[0]->tokens.size();
    served.step();
    EXPECT_EQ(served.receivers[0]->tokens.size(), before + 1);
  }
  EXPECT_LT(served.receivers[0]->tokens.size(), 12u);  // nor does the answer stop the prompt
  served.finish();
}

TEST(Scheduler, WhatCanNeverFitIsRefusedWithTheNumbers) {
  Served served({.name = "refusals", .kv_tokens = 128});
  struct Case {
    Request request;
    std::string says;
  };
  Request absent = request_of(4, 4), adapter = request_of(4, 4), priority = request_of(4, 4);
  absent.model = "other";
  adapter.adapter = "lora";
  priority.priority = 99;
  Request sampling = request_of(4, 4), token = request_of(4, 4);
  sampling.options.sampling.top_p = 2;
  token.prompt[2] = 1 << 20;
  const Case cases[] = {{request_of(129, 1), "at most 128"},
                        {request_of(100, 30), "at most 29"},
                        {request_of(0, 4), "no tokens"},
                        {absent, "there are m"},
                        {adapter, "lora"},
                        {priority, "-8 to 8"},
                        {sampling, "top_p"},
                        {token, "1048576"}};
  for (const auto& [request, says] : cases) {
    const auto id = served.scheduler().submit(request, std::make_shared<test::Receiver>());
    ASSERT_FALSE(id.ok()) << says;
    EXPECT_NE(id.error().message.find(says), std::string::npos) << id.error().message;
  }
  EXPECT_EQ(served.scheduler().snapshot().refused, 8);
  served.submit(request_of(100, 29));  // the largest that can
  served.submit(request_of(100, -1));
  served.finish();
  EXPECT_EQ(served.receivers[0]->end.reason, StopReason::MaxTokens);
  EXPECT_EQ(served.receivers[1]->end.reason, StopReason::ContextFull);
  EXPECT_EQ(served.receivers[1]->tokens.size(), 29u);
}

}  // namespace
}  // namespace verge::serve
