#include <verge/engine/model/compiled_model.hpp>

#include "tiny_models.hpp"

namespace verge::model {
namespace {

TEST(CompiledModel, ALoadedPlanGivesTheSameLogits) {
  ThreadPool pool(2);
  for (const char* shape : {"tiny-llama", "tiny-qwen3moe", "tiny-gemma3"}) {
    const test::TemporaryFolder folder;
    const std::string path = test::write_model(folder, test::tiny_spec(shape), DType::Q8_0);
    LoadOptions options = test::all_logits_options();
    const auto source = format::ModelSource::open(path);
    const auto compiled = compile_model(*source, options, 2);
    ASSERT_TRUE(compiled) << compiled.error().message;
    ASSERT_TRUE(runtime::write_plan_file(folder / "m.vplan", *compiled));
    const auto plain = test::load_model(path, pool, options);
    options.plan = folder / "m.vplan";
    const auto planned = test::load_model(path, pool, options);
    const std::vector<int32_t> tokens = test::random_tokens(40, test::tiny_spec(shape).vocab);
    EXPECT_EQ(test::logits_of(*plain, tokens, {30, 1}), test::logits_of(*planned, tokens, {30, 1}))
        << shape;
  }
}

TEST(CompiledModel, KnowsWhatItWasCompiledFor) {
  const test::TemporaryFolder folder;
  const auto source =
      format::ModelSource::open(test::write_model(folder, test::tiny_spec("tiny-llama")));
  const auto plan = compile_model(*source, {.context = 100, .max_tokens = 16}, 1);
  const nn::DecoderShape shape = shape_of(*plan);
  EXPECT_EQ(shape.max_tokens, 16);
  EXPECT_EQ(shape.pages_per_sequence * shape.page_tokens, 128);
  EXPECT_EQ(shape.kv_dtype, DType::F16);
  ASSERT_TRUE(runtime::write_plan_file(folder / "m", *plan));
  LoadOptions options{.kv_dtype = DType::F32, .plan = folder / "m"};
  EXPECT_EQ(load_compiled(*source, options).error().code, Code::Conflict);
  options.kv_dtype = DType::F16;
  options.max_sequences = 2;
  EXPECT_EQ(load_compiled(*source, options).error().code, Code::Conflict);
  options.max_sequences = 1;
  options.kv_tokens = 129;
  EXPECT_EQ(load_compiled(*source, options).error().code, Code::Conflict);
  options.kv_tokens = 0;
  runtime::PlanFile half = *plan;
  half.programs.pop_back();
  ASSERT_TRUE(runtime::write_plan_file(folder / "m", half));
  EXPECT_EQ(load_compiled(*source, options).error().code, Code::Malformed);
}

TEST(CompiledModel, BelongsToOneModelAndItsInterface) {
  const test::TemporaryFolder folder;
  const std::string path = test::write_model(folder, test::tiny_spec("tiny-llama"));
  const auto source = format::ModelSource::open(path);
  const auto plan = compile_model(*source, {.context = 64}, 1);
  const auto other = format::ModelSource::open(test::rewrite_model(
      path, "-base", [](format::Metadata& m) { m.set("llama.rope.freq_base", 5e5f); }));
  EXPECT_NE(identity_of(*other), identity_of(*source));
  for (const char* name : {"tokens", "page_table", "kv.1", "logits"}) {
    runtime::PlanFile forged = *plan;
    graph::Graph& graph = forged.programs[0].second.graph;
    graph.value(graph.find(name)).name = "another";
    if (!runtime::write_plan_file(folder / "m", forged)) continue;
    const auto loaded = load_compiled(*source, {.plan = folder / "m"});
    ASSERT_FALSE(loaded) << name;
    EXPECT_EQ(loaded.error().code, Code::Malformed) << loaded.error().message;
  }
}

}  // namespace
}  // namespace verge::model
