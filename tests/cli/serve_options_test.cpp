#include <gtest/gtest.h>
#include <temporary_folder.hpp>
#include <tiny_model.hpp>

#include <verge/cli/serve_options.hpp>

namespace verge::cli {
namespace {

class ServeOptionsTest : public testing::Test {
 protected:
  ServeOptionsTest() {
    options_.models = {model_};
    options_.threads.threads = 1;
  }
  std::string refusal() {
    const auto made = options_.server_options();
    EXPECT_FALSE(made);
    return made ? "" : made.error().message;
  }

  test::TemporaryFolder folder_;
  std::string model_ = test::tiny_model(folder_);
  ServeOptions options_;
};

TEST_F(ServeOptionsTest, ModelsHaveTheNamesOfTheirFilesOrTheirOwn) {
  options_.models = {model_, "second=" + model_};
  const auto made = options_.server_options();
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->models[0].name, "tiny-llama");
  EXPECT_EQ(made->models[1].name, "second");
  EXPECT_EQ(made->models[1].path, model_);
  options_.models = {model_, model_};
  EXPECT_NE(refusal().find("two models are named tiny-llama"), std::string::npos);
}

TEST_F(ServeOptionsTest, TheCacheIsTokensOrMemoryOrFourContexts) {
  options_.context = 128;
  EXPECT_EQ(options_.server_options()->models[0].load.kv_tokens, 512);
  options_.max_sequences = 2;
  EXPECT_EQ(options_.server_options()->models[0].load.kv_tokens, 256);
  options_.kv_memory = "1M";
  const int64_t tokens = options_.server_options()->models[0].load.kv_tokens;
  EXPECT_GT(tokens, 256);
  options_.kv = "f32";
  EXPECT_EQ(options_.server_options()->models[0].load.kv_tokens, tokens / 2);
  options_.kv_tokens = 300;
  EXPECT_EQ(options_.server_options()->models[0].load.kv_tokens, 300);
  options_.kv_tokens = 0;
  options_.kv_memory = "1k";
  EXPECT_NE(refusal().find("--kv-mem"), std::string::npos);
}

TEST_F(ServeOptionsTest, ATenantHasHalfOfTheQueueWhereThereAreKeys) {
  const auto per_tenant = [&] {
    return options_.server_options()->scheduler.max_waiting_per_tenant;
  };
  options_.max_queue = 9;
  EXPECT_EQ(per_tenant(), 9);
  options_.api_keys = "keys.json";
  EXPECT_EQ(per_tenant(), 5);
  options_.max_queue_per_tenant = 7;
  EXPECT_EQ(per_tenant(), 7);
  options_.api_keys = "";
  EXPECT_EQ(per_tenant(), 7);
}

TEST_F(ServeOptionsTest, PrefixesAreSharedUnlessToldOtherwise) {
  EXPECT_TRUE(options_.server_options()->scheduler.share_prefixes);
  options_.no_prefix_cache = true;
  options_.prompt_cache_folder = "prompts";
  EXPECT_FALSE(options_.server_options()->scheduler.share_prefixes);
  EXPECT_EQ(options_.server_options()->scheduler.prompt_cache_folder, "prompts");
}

TEST_F(ServeOptionsTest, WhatIsWrongIsNamedByItsOption) {
  options_.kv_memory = "lots";
  EXPECT_NE(refusal().find("--kv-mem"), std::string::npos);
  options_.kv_memory = "";
  options_.memory = "-3G";
  EXPECT_NE(refusal().find("--mem"), std::string::npos);
  options_.memory = "";
  options_.port = 70000;
  EXPECT_NE(refusal().find("--port"), std::string::npos);
  options_.port = 0;
  options_.tls_key = "k.pem";
  EXPECT_NE(refusal().find("--tls-cert"), std::string::npos);
  options_.tls_key = "";
  options_.models = {"nothing-here"};
  EXPECT_NE(refusal().find("nothing-here"), std::string::npos);
}

}  // namespace
}  // namespace verge::cli
