#include <verge/engine/model/adapter_set.hpp>
#include <verge/engine/model/embedding.hpp>
#include <verge/engine/runtime/step.hpp>

#include "adapters.hpp"
#include "tiny_models.hpp"

namespace verge::model {
namespace {

using test::random_adapter;
using test::TemporaryFolder;

class AdapterTest : public testing::Test {
 protected:
  std::string write_base(std::string_view shape, DType dtype = DType::F32) {
    return base_ = test::write_model(folder_, test::tiny_spec(shape), dtype);
  }

  /// Writes a random adapter of the base as GGUF; its entry of LoadOptions::adapters.
  AdapterSpec write_adapter(const std::string& name, const test::AdapterShape& shape) {
    random_adapter(base_, shape).write_gguf(folder_ / name);
    return {name, folder_ / name};
  }

  std::unique_ptr<LanguageModel> load(const std::string& path,
                                      std::vector<AdapterSpec> adapters = {}) {
    LoadOptions options = test::all_logits_options();
    options.max_sequences = 5;
    options.kv_tokens = 5 * options.context;
    options.adapters = std::move(adapters);
    return test::load_model(path, pool_, options);
  }

  std::vector<float> logits(LanguageModel& model, int32_t adapter, std::span<const int32_t> tokens,
                            size_t chunk = 40) {
    runtime::Session session = model.session();
    session.set_adapter(adapter);
    std::vector<float> all;
    while (!tokens.empty()) {
      const size_t count = std::min(chunk, tokens.size());
      const Status status =
          session.append(tokens.first(count), [&](int64_t, std::span<const float> row) {
            all.insert(all.end(), row.begin(), row.end());
          });
      EXPECT_TRUE(status.ok()) << status.error().message;
      tokens = tokens.subspan(count);
    }
    return all;
  }

  std::string refused(const LoadOptions& options) {
    const auto model = LanguageModel::load(base_, options, pool_);
    EXPECT_FALSE(model.ok());
    return model.ok() ? "" : model.error().message;
  }

  TemporaryFolder folder_;
  ThreadPool pool_{2};
  std::string base_;
  std::vector<int32_t> tokens_ = test::random_tokens(60, 512);
};

TEST_F(AdapterTest, AttachedIsAsMerged) {
  for (const char* shape :
       {"tiny-llama", "tiny-qwen2", "tiny-gemma2", "tiny-phi3", "tiny-mistral"}) {
    write_base(shape);
    const auto adapter = random_adapter(base_, {.rank = 6, .alpha = 3});
    adapter.write_gguf(folder_ / "adapter");
    adapter.write_merged(folder_ / "merged", 0.5);
    const auto attached = load(base_, {{"a", folder_ / "adapter", 0.5f}});
    EXPECT_EQ(attached->decoder().prefill.reference_nodes(), std::vector<std::string>{});
    const auto merged = load(folder_ / "merged");
    for (const size_t chunk : {60, 7, 1}) {
      const auto found = logits(*attached, 0, tokens_, chunk);
      const auto wanted = logits(*merged, -1, tokens_, chunk);
      EXPECT_LE(test::relative_error(found, wanted), 1e-5) << shape << ", chunks of " << chunk;
    }
    EXPECT_GT(test::relative_error(logits(*attached, -1, tokens_), logits(*attached, 0, tokens_)),
              1e-2);
  }
}

TEST_F(AdapterTest, TheMemoryTheyTakeIsKnownBefore) {
  write_base("tiny-llama");
  LoadOptions options;
  options.context = 64;
  const auto source = format::ModelSource::open(base_);
  ASSERT_TRUE(source.ok());
  const auto without = plan_memory_need(*source, options);
  int64_t values = 0;
  for (const uint64_t seed : {1, 2}) {
    const auto adapter = random_adapter(base_, {.rank = 4, .seed = seed});
    for (const auto& [name, pair] : adapter.pairs) {
      values += static_cast<int64_t>(pair.a.size() + pair.b.size());
    }
    options.adapters.push_back(write_adapter(fmt::format("{}", seed), {.rank = 4, .seed = seed}));
  }
  const auto with = plan_memory_need(*source, options);
  ASSERT_TRUE(without.ok() && with.ok());
  EXPECT_EQ(with->weights_bytes - without->weights_bytes, 4 * values);
  EXPECT_GE(with->arena_bytes, without->arena_bytes);
  options.adapters = {{"absent", folder_ / "absent"}};
  EXPECT_EQ(plan_memory_need(*source, options).error().code, Code::NotFound);
}

TEST_F(AdapterTest, TheHeadCanHaveOne) {
  write_base("tiny-llama");
  const auto adapter = random_adapter(base_, {.layers = {"attn_v.weight", "output.weight"}});
  ASSERT_TRUE(adapter.pairs.contains("output.weight"));
  adapter.write_gguf(folder_ / "adapter");
  adapter.write_merged(folder_ / "merged");
  const auto attached = load(base_, {{"a", folder_ / "adapter"}});
  const auto merged = load(folder_ / "merged");
  EXPECT_LE(test::relative_error(logits(*attached, 0, tokens_), logits(*merged, -1, tokens_)),
            1e-5);
}

TEST_F(AdapterTest, WithoutOneTheBitsAreThoseOfTheBase) {
  for (const DType dtype : {DType::F32, DType::Q8_0}) {
    for (const char* shape : {"tiny-llama", "tiny-qwen2", "tiny-gemma2"}) {
      write_base(shape, dtype);
      const auto with = load(base_, {write_adapter("a", {})});
      const auto without = load(base_);
      EXPECT_EQ(logits(*with, -1, tokens_), logits(*without, -1, tokens_)) << shape;
      EXPECT_EQ(logits(*with, -1, tokens_, 1), logits(*without, -1, tokens_, 1)) << shape;
      EXPECT_EQ(*embed(*with, tokens_, Pooling::Mean), *embed(*without, tokens_, Pooling::Mean));
    }
  }
}

// Four sequences of three adapters and none, prompts and single tokens in the same steps.
TEST_F(AdapterTest, AMixedBatchGivesEachItsOwnBits) {
  write_base("tiny-qwen2", DType::Q8_0);
  const auto model =
      load(base_, {write_adapter("a", {.rank = 3, .seed = 1}),
                   write_adapter("b", {.rank = 8, .seed = 2, .layers = {"ffn_down.weight"}}),
                   write_adapter("c", {.rank = 5, .seed = 3})});
  runtime::Decoder& decoder = model->decoder();
  const std::vector<std::vector<size_t>> feeds = {{30, 1, 1}, {1, 30, 1}, {1, 1, 30}, {30, 1, 1}};
  const auto run = [&](std::vector<runtime::Sequence>& sequences, std::span<const int32_t> adapters,
                       std::span<const std::vector<size_t>> chunks) {
    std::vector<std::vector<float>> last(adapters.size());
    for (size_t step = 0; step < 3; ++step) {
      std::vector<runtime::StepItem> items;
      for (size_t i = 0; i < adapters.size(); ++i) {
        const auto done = static_cast<size_t>(sequences[i].length());
        items.push_back(
            {&sequences[i], std::span(tokens_).subspan(done, chunks[i][step]), 1, adapters[i]});
      }
      const Status status = runtime::run_step(decoder, items);
      EXPECT_TRUE(status.ok()) << status.error().message;
      for (size_t i = 0; i < adapters.size(); ++i) {
        const auto row = runtime::step_logits(decoder, static_cast<int64_t>(i));
        last[i].insert(last[i].end(), row.begin(), row.end());
      }
    }
    return last;
  };
  const std::vector<int32_t> adapters = {0, 1, -1, 2};
  const auto make = [&](size_t count) {
    std::vector<runtime::Sequence> sequences;
    for (size_t i = 0; i < count; ++i) sequences.emplace_back(decoder);
    return sequences;
  };
  auto together = make(4);
  const auto mixed = run(together, adapters, feeds);
  for (size_t i = 0; i < adapters.size(); ++i) {
    auto alone = make(1);
    const auto found =
        run(alone, std::span(adapters).subspan(i, 1), std::span(feeds).subspan(i, 1));
    EXPECT_EQ(found[0], mixed[i]) << i;
  }
  EXPECT_NE(mixed[0], mixed[3]);
}

TEST_F(AdapterTest, PeftAndGgufOfOneAdapterAreTheSame) {
  for (const char* shape : {"tiny-mistral", "tiny-qwen2"}) {
    write_base(shape);
    for (const DType dtype : {DType::F32, DType::F16, DType::BF16}) {
      const auto adapter = random_adapter(base_, {.rank = 4, .dtype = dtype});
      const std::string peft = folder_ / fmt::format("{}-{}", shape, name(dtype));
      std::filesystem::create_directory(peft);
      adapter.write_gguf(folder_ / "gguf");
      adapter.write_peft(peft);
      const auto model = load(base_, {{"gguf", folder_ / "gguf"}, {"peft", peft}});
      EXPECT_EQ(logits(*model, 0, tokens_), logits(*model, 1, tokens_)) << shape;
      EXPECT_EQ(model->decoder().adapters[0], model->decoder().adapters[1]);
    }
  }
}

TEST_F(AdapterTest, FilesOfEveryTypeAreRead) {
  write_base("tiny-llama");
  const auto exact = random_adapter(base_, {.rank = 32});
  exact.write_gguf(folder_ / "f32");
  std::vector<AdapterSpec> specs = {{"f32", folder_ / "f32"}};
  const std::pair<DType, double> types[] = {
      {DType::F16, 2e-3}, {DType::BF16, 0.02}, {DType::Q8_0, 0.04}};
  for (const auto& [dtype, bound] : types) {
    specs.push_back(write_adapter(std::string(name(dtype)), {.rank = 32, .dtype = dtype}));
  }
  const auto model = load(base_, specs);
  const auto wanted = logits(*model, 0, tokens_);
  for (int32_t adapter = 1; adapter < 4; ++adapter) {
    const double error = test::relative_error(logits(*model, adapter, tokens_), wanted);
    EXPECT_GT(error, 1e-6) << adapter;
    EXPECT_LE(error, types[adapter - 1].second) << adapter;
  }
  // Files of one 16-bit type stay in it.
  const auto half = load(base_, {specs[1]});
  const auto found = logits(*half, 0, tokens_);
  EXPECT_LE(test::relative_error(found, logits(*model, 1, tokens_)), 1e-5);
}

TEST_F(AdapterTest, OthersFollowWhereThereIsRoom) {
  write_base("tiny-llama");
  const AdapterSpec first = write_adapter("first", {.rank = 2, .layers = {"attn_q.weight"}});
  const AdapterSpec second = write_adapter("second", {.rank = 7, .seed = 9});
  const AdapterSpec third = write_adapter("third", {.rank = 9});
  LoadOptions options = test::all_logits_options();
  options.adapters = {first};
  options.max_adapters = 2;
  options.adapter_rank = 8;
  const auto model = test::load_model(base_, pool_, options);
  const auto before = logits(*model, 0, tokens_);
  EXPECT_EQ(model->adapter("second"), std::nullopt);
  EXPECT_NE(model->add_adapter(third).error().message.find("has rank 9, there is room for 8"),
            std::string::npos);
  EXPECT_NE(model->add_adapter({"first", second.path}).error().message.find("there already"),
            std::string::npos);
  const auto index = model->add_adapter(second);
  ASSERT_TRUE(index.ok()) << index.error().message;
  EXPECT_EQ(*index, 1);
  EXPECT_EQ(model->adapter("second"), 1);
  EXPECT_EQ(model->add_adapter(third).error().code, Code::Busy);
  EXPECT_EQ(logits(*model, 0, tokens_), before);
  const auto whole = load(base_, {second});
  EXPECT_EQ(logits(*model, 1, tokens_), logits(*whole, 0, tokens_));
  EXPECT_EQ(load(base_)->add_adapter(first).error().code, Code::Busy);
}

TEST_F(AdapterTest, ASavedSessionIsOfOneAdapter) {
  write_base("tiny-llama");
  const auto model =
      load(base_, {write_adapter("a", {.seed = 1}), write_adapter("b", {.seed = 2})});
  runtime::Decoder& decoder = model->decoder();
  runtime::Session session = model->session();
  session.set_adapter(1);
  ASSERT_TRUE(session.append(tokens_).ok());
  const std::vector<float> wanted(session.logits().begin(), session.logits().end());
  ASSERT_TRUE(session.save(folder_ / "session").ok());
  EXPECT_THROW(session.set_adapter(0), InternalError);  // it has tokens
  for (const int32_t other : {-1, 0}) {
    const auto found = runtime::Session::restore(decoder, folder_ / "session", other);
    EXPECT_EQ(found.error().code, Code::Conflict);
  }
  const auto same = runtime::Session::restore(decoder, folder_ / "session", 1);
  ASSERT_TRUE(same.ok()) << same.error().message;
  EXPECT_LE(test::relative_error(same->logits(), wanted), 1e-5);
  const auto fork = session.fork();
  EXPECT_EQ(fork->adapter(), 1);
  runtime::Sequence sequence(decoder);
  const runtime::StepItem item{&sequence, tokens_, 1, 2};
  EXPECT_EQ(runtime::run_step(decoder, std::span(&item, 1)).error().code, Code::InvalidArgument);
}

TEST_F(AdapterTest, SaysWhatDoesNotFit) {
  write_base("tiny-qwen2");  // its head is the embedding
  const AdapterSpec good = write_adapter("good", {});
  LoadOptions options;
  options.adapters = {good, {"good", good.path}};
  EXPECT_NE(refused(options).find("an adapter named good is there already"), std::string::npos);
  options.adapters = {good};
  options.adapters[0].scale = NAN;
  EXPECT_NE(refused(options).find("a scale of nan"), std::string::npos);
  options.adapters = {write_adapter("embedding", {.layers = {"token_embd.weight"}})};
  EXPECT_NE(refused(options).find("token_embd.weight.lora_a changes token_embd.weight"),
            std::string::npos);
  options.adapters = {{"x", folder_ / "nowhere"}};
  EXPECT_NE(refused(options).find("nowhere"), std::string::npos);
  options.adapters = {};
  options.max_adapters = int64_t{1} << 40;
  EXPECT_NE(refused(options).find("room for"), std::string::npos);
  options.max_adapters = 4096;
  options.adapter_rank = 4096;
  EXPECT_NE(refused(options).find("make room for fewer"), std::string::npos);
  options = {.plan = folder_ / "plan", .adapters = {good}};
  EXPECT_NE(refused(options).find("a compiled plan has no adapters"), std::string::npos);
}

}  // namespace
}  // namespace verge::model
