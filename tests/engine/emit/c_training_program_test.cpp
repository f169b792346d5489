#include <verge/engine/emit/c_training_program.hpp>
#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>

#include "c_check.hpp"

namespace verge::emit {
namespace {

// The step of one layer, by batches of two.
CSource layer_step() {
  graph::Builder b("layer");
  const auto w = b.param("w\"1", {DType::F32, {3, 4}});
  const auto x = b.input("x", {DType::F32, {2, 4}}), labels = b.input("labels", {DType::I32, {2}});
  const auto loss = b.op("softmax_cross_entropy", {b.op("linear", {x, w}), labels});
  b.output(loss, "loss");
  auto joint = graph::differentiate(*b.finish(), loss, {w}).value();
  auto step = graph::add_updates(std::move(joint), {w}, {.kind = graph::OptimizerKind::AdamW});
  const Tensor zeros(DType::F32, {3, 4});
  return emit_c(*step, [&](std::string_view) { return zeros.view(); },
                {.name = "layer", .origin = "a test", .verb = "step"})
      .value();
}

TEST(CTrainingProgram, CompilesStrictly) {
  const CSource source = layer_step();
  EXPECT_NE(source.header.find("int layer_step("), std::string::npos);
  const test::TemporaryFolder folder;
  folder.add("net.h", source.header);
  std::string text = c_training_program("layer");
  text.replace(text.find("layer.h"), 7, "net.h");
  folder.add("net.c", text);
  expect_strict_c(folder);
}

TEST(CTrainingProgram, HasTheNamesOfItsNetworkAndItsRate) {
  const std::string text = c_training_program("digits", {.rate = 0.25});
  EXPECT_NE(text.find("digits_call("), std::string::npos);
  EXPECT_NE(text.find("DIGITS_KEPT"), std::string::npos);
  EXPECT_NE(text.find("double peak = 0.25;"), std::string::npos);
  EXPECT_EQ(text.find('@'), std::string::npos);
}

}  // namespace
}  // namespace verge::emit
