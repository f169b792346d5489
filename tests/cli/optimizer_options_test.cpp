#include <sstream>

#include <gtest/gtest.h>

#include <verge/cli/optimizer_options.hpp>

namespace verge::cli {
namespace {

TEST(OptimizerOptions, EveryNameIsAnOptimizer) {
  for (const char* name : {"adamw", "adamw8bit", "sgd", "lion"}) {
    graph::OptimizerSpec spec{.beta2 = 0.95};
    ASSERT_TRUE((OptimizerOptions{name, 0}.apply(spec)));
    EXPECT_EQ(graph::name(spec.kind), name);
    EXPECT_EQ(spec.beta2, std::string_view(name) == "lion" ? 0.99 : 0.95);
  }
  graph::OptimizerSpec spec;
  ASSERT_TRUE((OptimizerOptions{"sgd", 0.9}.apply(spec)));
  EXPECT_EQ(spec.momentum, 0.9);
}

TEST(OptimizerOptions, RefusesWhatDoesNotGoTogether) {
  const auto refused = [](const OptimizerOptions& options, graph::OptimizerSpec spec = {}) {
    const Status status = options.apply(spec);
    return status ? std::string() : status.error().message;
  };
  EXPECT_NE(refused({"adam", 0}).find("adamw, adamw8bit, sgd or lion"), std::string::npos);
  EXPECT_NE(refused({"adamw", 0.9}).find("add --optimizer sgd"), std::string::npos);
  EXPECT_NE(refused({"sgd", 1}).find("below 1"), std::string::npos);
  EXPECT_NE(refused({"sgd", 0}, {.global_norm = -1}).find("--clip-grad"), std::string::npos);
}

TEST(OptimizerOptions, ThePriceOfClippingIsSaid) {
  std::ostringstream out, err;
  Context context{out, err, nullptr};
  print_clip_price({}, 0, context);
  EXPECT_EQ(err.str(), "");
  print_clip_price({.global_norm = 1}, int64_t{3} << 20, context);
  EXPECT_NE(err.str().find("3 MiB more memory"), std::string::npos) << err.str();
}

}  // namespace
}  // namespace verge::cli
