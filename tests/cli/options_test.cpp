#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

#include <verge/cli/options.hpp>
#include <verge/core/machine.hpp>

namespace verge::cli {
namespace {

TEST(ThreadOptions, TakesWhatTheMachineHas) {
  const int cores = available_cores();
  const std::pair<int, int> cases[] = {{0, cores}, {1, 1}, {cores, cores}};
  for (const auto& [asked, made] : cases) {
    const auto pool = ThreadOptions{asked}.make_pool();
    ASSERT_TRUE(pool) << pool.error().message;
    EXPECT_EQ((*pool)->size(), made);
  }
  for (const int asked : {-1, cores + 1}) {
    const auto pool = ThreadOptions{asked}.make_pool();
    ASSERT_FALSE(pool);
    EXPECT_EQ(pool.error().code, Code::InvalidArgument);
  }
}

Result<model::LoadOptions> load_options(const std::string& kv, const std::string& isa) {
  ModelOptions options;
  options.context = 77;
  options.kv = kv;
  options.isa = isa;
  return options.load_options();
}

TEST(ModelOptions, CacheTypesAndKernelsByName) {
  const std::pair<const char*, DType> types[] = {
      {"f32", DType::F32}, {"f16", DType::F16}, {"bf16", DType::BF16}, {"q8_0", DType::Q8_0}};
  for (const auto& [name, type] : types) {
    const auto options = load_options(name, "generic");
    ASSERT_TRUE(options) << options.error().message;
    EXPECT_EQ(options->kv_dtype, type);
    EXPECT_EQ(options->isa, kernels::Isa::Generic);
    EXPECT_EQ(options->context, 77);
  }
  EXPECT_EQ(load_options("f16", "")->isa, kernels::best_isa());
  EXPECT_FALSE(load_options("q4_0", ""));
  EXPECT_FALSE(load_options("", ""));
  EXPECT_FALSE(load_options("f16", "sse"));
}

TEST(AdapterSpec, AFileAndItsScale) {
  const std::tuple<const char*, const char*, float> cases[] = {{"a.gguf", "a.gguf", 1.0f},
                                                               {"a.gguf:0.5", "a.gguf", 0.5f},
                                                               {"dir:x/a.gguf", "dir:x/a.gguf", 1},
                                                               {"a:1:-2", "a:1", -2},
                                                               {"a:", "a:", 1},
                                                               {"a:0.5x", "a:0.5x", 1}};
  for (const auto& [text, path, scale] : cases) {
    const model::AdapterSpec spec = adapter_spec(text);
    EXPECT_EQ(spec.path, path) << text;
    EXPECT_EQ(spec.scale, scale) << text;
  }
}

TEST(SamplingOptions, EachSetsItsField) {
  text::SamplerOptions options;
  CLI::App app;
  Parser parser(app);
  declare_sampling(parser, options);
  app.parse(
      "--temp 0.5 --top-k 3 --top-p 0.25 --min-p 0.125 --typical-p 0.75 --repeat-penalty 1.5 "
      "--frequency-penalty 2 --presence-penalty 4 --penalty-window 9 --mirostat 5 --mirostat-lr "
      "0.0625 --seed 77");
  EXPECT_EQ(options.temperature, 0.5f);
  EXPECT_EQ(options.top_k, 3);
  EXPECT_EQ(options.top_p, 0.25f);
  EXPECT_EQ(options.min_p, 0.125f);
  EXPECT_EQ(options.typical_p, 0.75f);
  EXPECT_EQ(options.repetition_penalty, 1.5f);
  EXPECT_EQ(options.frequency_penalty, 2);
  EXPECT_EQ(options.presence_penalty, 4);
  EXPECT_EQ(options.penalty_window, 9);
  EXPECT_EQ(options.mirostat_tau, 5);
  EXPECT_EQ(options.mirostat_eta, 0.0625f);
  EXPECT_EQ(options.seed, 77u);
}

TEST(SizeOption, NothingIsNoSize) {
  EXPECT_EQ(*size_option("--mem", ""), 0);
  EXPECT_EQ(*size_option("--mem", "2M"), 2 << 20);
  for (const char* text : {"0", "0M", "lots"}) {
    const auto size = size_option("--mem", text);
    ASSERT_FALSE(size.ok()) << text;
    EXPECT_EQ(size.error().code, Code::InvalidArgument);
    EXPECT_NE(size.error().message.find("--mem"), std::string::npos) << size.error().message;
  }
}

}  // namespace
}  // namespace verge::cli
