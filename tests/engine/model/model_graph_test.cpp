#include <verge/engine/graph/memory_check.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/model/model_graph.hpp>

#include "tiny_models.hpp"

namespace verge::model {
namespace {

TEST(ModelGraph, EveryUseHasItsGraph) {
  const test::TemporaryFolder folder;
  const auto source =
      format::ModelSource::open(test::write_model(folder, test::tiny_spec("tiny-llama")));
  const LoadOptions options{.context = 64};
  const auto prefill = model_graph(*source, options, GraphUse::Prefill);
  const auto decode = model_graph(*source, options, GraphUse::Decode);
  const auto train = model_graph(*source, options, GraphUse::Training, 2);
  ASSERT_TRUE(prefill && decode && train);
  EXPECT_EQ(prefill->symbols[0].bound, 64);
  EXPECT_EQ(decode->symbols[0].bound, 1);
  EXPECT_EQ(train->value(train->find("tokens")).type.dims[0], graph::Dim(2));
  EXPECT_NE(train->find("lr"), graph::kNone);
}

TEST(ModelGraph, ArenasAreNearTheirLowerBoundsAndSound) {
  const test::TemporaryFolder folder;
  for (const char* shape : {"tiny-llama", "tiny-mixtral", "tiny-qwen2", "tiny-gemma3"}) {
    const auto source =
        format::ModelSource::open(test::write_model(folder, test::tiny_spec(shape)));
    for (const GraphUse use : {GraphUse::Prefill, GraphUse::Decode, GraphUse::Training}) {
      auto built = model_graph(*source, {.context = 128}, use);
      if (!built) continue;  // training of other families
      auto optimized = graph::optimize(std::move(*built));
      const auto program = runtime::make_program(optimized->graph, kernels::best_isa(), 2);
      ASSERT_TRUE(program) << program.error().message;
      const graph::MemoryPlan& memory = program->memory;
      EXPECT_LE(static_cast<double>(memory.arena_bytes),
                1.05 * static_cast<double>(memory.lower_bound_bytes))
          << shape << ", " << static_cast<int>(use);
      const Status status = graph::check_memory_plan(program->graph, memory);
      EXPECT_TRUE(status) << status.error().message;
    }
  }
}

TEST(ModelGraph, RefusesToTrainWhatItHasNoLayersFor) {
  const test::TemporaryFolder folder;
  const auto source =
      format::ModelSource::open(test::write_model(folder, test::tiny_spec("tiny-gemma2")));
  const auto train = model_graph(*source, {}, GraphUse::Training);
  ASSERT_FALSE(train);
  EXPECT_EQ(train.error().code, Code::Unsupported);
  EXPECT_NE(train.error().message.find("gemma2"), std::string::npos);
  EXPECT_EQ(graph_use_from_name("train"), GraphUse::Training);
  EXPECT_FALSE(graph_use_from_name("other"));
}

}  // namespace
}  // namespace verge::model
