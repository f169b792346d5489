#include <verge/engine/model/layer_chain.hpp>
#include <verge/stages/adapt/exits/exit_run.hpp>

#include "exit_harness.hpp"

namespace verge::adapt {
namespace {

using namespace test_exits;

TEST(ExitRun, RefusesWhatCannotBe) {
  const test::TemporaryFolder folder;
  const AdaptExitsOptions good = quick_options(folder);
  const auto refused = [&](auto change, Code code, const char* part) {
    AdaptExitsOptions options = good;
    change(options);
    const auto run = prepare_run(options);
    ASSERT_FALSE(run.ok()) << part;
    EXPECT_EQ(run.error().code, code) << part;
    EXPECT_NE(run.error().message.find(part), std::string::npos) << run.error().message;
  };
  using Options = AdaptExitsOptions;
  for (const std::vector<int64_t>& layers :
       {std::vector<int64_t>{4, 2}, {2, 2}, {0, 2}, {2, 6}, {}}) {
    refused([&](Options& o) { o.layers = layers; }, Code::InvalidArgument, "from 1 to 5 in order");
  }
  refused([&](Options& o) { o.model = test::source_file("models/verge-lm.gguf"); }, Code::Conflict,
          "it has exit heads already, after 2, 4 layers");
  refused([&](Options& o) { o.data = {folder.add("short", "a few words\nmore\n")}; },
          Code::InvalidArgument, "a context of 32 needs more");
  refused([&](Options& o) { o.data = {folder / "none"}; }, Code::NotFound, "none");
  refused([](Options& o) { o.context = 1; }, Code::InvalidArgument, "of two or more");
  refused([](Options& o) { o.held_out = 1; }, Code::InvalidArgument, "a share of 1");
  refused([](Options& o) { o.distil = -1; }, Code::InvalidArgument, "a weight of -1");
  refused(
      [](Options& o) {
        o.mode = ExitMode::Joint;
        o.distil = 1;
      },
      Code::InvalidArgument, "heads that learn alone");
  EXPECT_TRUE(prepare_run(good).ok());
}

// The last head, put after each exit, beside the same by hand: the model's own layers cut off.
TEST(ExitRun, HeadsThatAreTheModelsLastAreMeasuredAsTheFileThatHasThem) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  const AdaptExitsOptions options = quick_options(folder);
  const auto run = prepare_run(options);
  ASSERT_TRUE(run.ok()) << run.error().message;
  const auto base = load_for_windows(options.model, options, pool);
  ASSERT_TRUE(base.ok()) << base.error().message;
  const auto without = measure_without_heads(**base, *run, options.context, pool);
  ASSERT_TRUE(without.ok()) << without.error().message;
  const std::string headed = test::rewrite_model(options.model, "-h", [&](format::Metadata& m) {
    m.set_array<int32_t>("verge.exit_layers", std::vector<int32_t>{2, 4});
    for (const char* key : {"verge.exit.2.norm", "verge.exit.4.norm"}) {
      m.set_array<float>(key, run->norm);
    }
  });
  const auto with = load_for_windows(headed, options, pool);
  ASSERT_TRUE(with.ok()) << with.error().message;
  const auto heads = measure_heads(**with, options.layers, *run, options.context);
  ASSERT_TRUE(heads.ok()) << heads.error().message;
  EXPECT_EQ(heads->positions, without->positions);
  EXPECT_GT(heads->positions, 256);
  EXPECT_EQ(heads->loss, without->loss);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(heads->exits[i].loss, without->exits[i].loss, 0.02);
    EXPECT_NEAR(heads->exits[i].agreement, without->exits[i].agreement, 0.02);
    EXPECT_GT(heads->exits[i].loss, heads->loss);
  }
}

}  // namespace
}  // namespace verge::adapt
