#include <gtest/gtest.h>

#include <verge/engine/nn/cnn.hpp>
#include <verge/stages/fit/scheme_search/contribution.hpp>

#include "temporary_folder.hpp"

namespace verge::fit {
namespace {

graph::Graph three_layers() {
  return *nn::build_cnn(
      {.channels = 1, .height = 8, .width = 8, .classes = 3, .stages = {{4}, {8, 8}}}, 1);
}

TEST(Contributions, MeasurementsAreBiasesAndEachShareOfEachWeight) {
  const SearchSpace space(three_layers());
  EXPECT_EQ(space.weights(), 3u);
  EXPECT_EQ(space.biases(), 3u);
  EXPECT_EQ(space.measurements().size(), 4u + 3 * 4);
  Genome genome = space.head();
  EXPECT_TRUE(space.scheme(genome).layers.empty());
  genome.biases = 2;
  genome.weights = {0, 3, 0};
  const nn::UpdateScheme scheme = space.scheme(genome);
  EXPECT_EQ(scheme.layers.size(), 2u);
  EXPECT_EQ(scheme.layers.at("stage.1.0.conv.weight").ratio, 0.5);
  EXPECT_EQ(scheme.layers.at("stage.1.1.conv.weight").kind, nn::UpdateKind::Bias);
}

TEST(Contributions, PredictionsAddGainsUp) {
  const SearchSpace space(three_layers());
  Contributions contributions(space, "me");
  double score = 0.5;
  for (const Genome& genome : space.measurements()) contributions.set(genome, score += 0.01);
  // head 0.51, biases 0.52 0.53 0.54; weights 0.55 ... 0.66 in order.
  Genome genome = space.head();
  EXPECT_DOUBLE_EQ(contributions.predict(genome), 0.51);
  genome.biases = 2;
  EXPECT_NEAR(contributions.predict(genome), 0.53, 1e-12);
  genome.weights = {1, 0, 4};
  EXPECT_NEAR(contributions.predict(genome), 0.53 + (0.55 - 0.54) + (0.66 - 0.54), 1e-12);
}

TEST(Contributions, AreKeptForTheirModelAndTask) {
  const test::TemporaryFolder folder;
  const SearchSpace space(three_layers());
  Contributions first(space, "me"), again(space, "me"), other(space, "you");
  first.set(space.head(), 0.25);
  ASSERT_TRUE(first.save(folder / "c.json"));
  ASSERT_TRUE(again.load(folder / "c.json"));
  EXPECT_TRUE(again.has(space.head()));
  EXPECT_EQ(again.measured(), 1u);
  EXPECT_EQ(other.load(folder / "c.json").error().code, Code::Conflict);
  EXPECT_TRUE(other.load(folder / "none.json"));
  for (const char* text :
       {"", "[]", R"({"owner": "me"})", R"({"owner": "me", "scores": {"a": "b"}})"}) {
    folder.add("bad.json", text);
    EXPECT_EQ(again.load(folder / "bad.json").error().code, Code::Malformed) << text;
  }
}

TEST(Contributions, OfAnyTaskAreThoseOfTheModel) {
  const test::TemporaryFolder folder;
  const SearchSpace space(three_layers());
  Contributions measured(space, owner_of_model("12") + "task 7");
  for (const Genome& genome : space.measurements()) {
    EXPECT_FALSE(measured.is_complete());
    measured.set(genome, 0.5);
  }
  EXPECT_TRUE(measured.is_complete());
  ASSERT_TRUE(measured.save(folder / "c.json"));
  Contributions known(space, owner_of_model("12")), other(space, owner_of_model("1"));
  EXPECT_EQ(known.load(folder / "c.json").error().code, Code::Conflict);
  ASSERT_TRUE(known.load(folder / "c.json", true));
  EXPECT_TRUE(known.is_complete());
  EXPECT_EQ(other.load(folder / "c.json", true).error().code, Code::Conflict);
}

}  // namespace
}  // namespace verge::fit
