#include <adapters.hpp>
#include <gtest/gtest.h>
#include <model_home.hpp>
#include <temporary_folder.hpp>
#include <tiny_model.hpp>

#include <verge/cli/model_store.hpp>
#include <verge/cli/serve_options.hpp>
#include <verge/stages/data/model_library/model_library.hpp>

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

TEST_F(ServeOptionsTest, WithoutModelsTheStoredOnesAreServed) {
  const test::ModelHome home;
  options_.models = {};
  EXPECT_NE(refusal().find("verge model import"), std::string::npos);
  auto store = open_store();
  ASSERT_TRUE(store);
  ASSERT_TRUE(data::import_model(*store, {.path = model_, .name = "stored"}));
  const auto made = options_.server_options();
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(made->models.size(), 1u);
  EXPECT_EQ(made->models[0].name, "stored");
  EXPECT_FALSE(made->load_at_start);
  options_.models = {model_};
  EXPECT_TRUE(options_.server_options()->load_at_start);
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

TEST_F(ServeOptionsTest, GrammarsHaveAPartOfTheMemory) {
  const auto parts = [&](const std::string& memory) {
    options_.memory = memory;
    const auto made = options_.server_options();
    return std::pair(made->pool.memory_bytes, static_cast<int64_t>(made->service.grammar_bytes));
  };
  constexpr int64_t kMiB = 1 << 20;
  EXPECT_EQ(parts("1G"), std::pair(960 * kMiB, 64 * kMiB));
  EXPECT_EQ(parts("64G"), std::pair(65280 * kMiB, 256 * kMiB));
  EXPECT_EQ(parts(""), std::pair(int64_t{0}, 256 * kMiB));
}

TEST_F(ServeOptionsTest, UsedTokensAreKeptBesideTheKeysUnlessToldOtherwise) {
  options_.api_keys = "keys.json";
  EXPECT_EQ(options_.server_options()->usage_file, "keys.json.usage");
  options_.usage = "other";
  EXPECT_EQ(options_.server_options()->usage_file, "other");
  options_.usage = "none";
  EXPECT_EQ(options_.server_options()->usage_file, "");
}

TEST_F(ServeOptionsTest, PrefixesAreSharedUnlessToldOtherwise) {
  EXPECT_TRUE(options_.server_options()->scheduler.share_prefixes);
  options_.no_prefix_cache = true;
  options_.prompt_cache_folder = "prompts";
  EXPECT_FALSE(options_.server_options()->scheduler.share_prefixes);
  EXPECT_EQ(options_.server_options()->scheduler.prompt_cache_folder, "prompts");
}

TEST_F(ServeOptionsTest, AnyModelCanHaveAdapters) {
  test::random_adapter(model_, {}).write_gguf(folder_ / "style.gguf");
  const std::string file = folder_ / "style.gguf";
  options_.models = {model_, "qwen:0.5b=" + model_};
  options_.adapters = {"plain=" + file, "qwen:0.5b:style=" + file + ":0.5", "qwen:0.5b:two=" + file,
                       "tiny-llama:last=" + file};
  const auto made = options_.server_options();
  ASSERT_TRUE(made) << made.error().message;
  const auto& first = made->models[0].load.adapters;
  const auto& second = made->models[1].load.adapters;
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].name, "plain");
  EXPECT_EQ(first[1].name, "last");
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[0].name, "style");
  EXPECT_EQ(second[0].path, file);
  EXPECT_EQ(second[0].scale, 0.5f);
  EXPECT_EQ(second[1].name, "two");

  options_.adapters = {"other:style=" + file};
  EXPECT_NE(refusal().find("no model other is served; there are tiny-llama, qwen:0.5b"),
            std::string::npos);
  for (const char* wrong : {"style", "=style.gguf", "tiny-llama:=style.gguf", "tiny-llama:style"}) {
    options_.adapters = {wrong};
    EXPECT_NE(refusal().find("give MODEL:NAME=FILE"), std::string::npos) << wrong;
  }
  options_.adapters = {"qwen:0.5b:style=/absent.gguf"};
  EXPECT_NE(refusal().find("/absent.gguf"), std::string::npos);
}

TEST_F(ServeOptionsTest, GuessesHaveRowsForAFewAnswers) {
  options_.max_sequences = 16;
  EXPECT_FALSE(options_.server_options()->models[0].drafts.is_on());
  EXPECT_EQ(options_.server_options()->models[0].load.max_outputs, 16);
  options_.speculation.by = "ngram";
  options_.speculation.draft_tokens = 5;
  const auto made = options_.server_options();
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->models[0].drafts.kind, serve::DraftSource::Kind::Ngram);
  EXPECT_EQ(made->models[0].drafts.most_tokens, 5);
  EXPECT_EQ(made->models[0].load.max_outputs, 16 + 4 * 5);
  options_.max_sequences = 2;
  EXPECT_EQ(options_.server_options()->models[0].load.max_outputs, 2 + 2 * 5);
}

TEST_F(ServeOptionsTest, ADraftModelIsLoadedBeside) {
  options_.speculation.draft = model_;
  const auto made = options_.server_options();
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->models[0].drafts.kind, serve::DraftSource::Kind::Model);
  EXPECT_EQ(made->models[0].drafts.path, model_);
  options_.speculation.by = "ngram";
  EXPECT_NE(refusal().find("--draft"), std::string::npos);
  options_.speculation.by = "off";
  options_.speculation.draft = "nothing-here";
  EXPECT_NE(refusal().find("nothing-here"), std::string::npos);
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
