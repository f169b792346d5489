#include <gtest/gtest.h>

#include <verge/core/file.hpp>
#include <verge/engine/nn/cnn.hpp>
#include <verge/engine/nn/lm_training.hpp>
#include <verge/stages/fit/scheme_search/contribution.hpp>
#include <verge/stages/fit/scheme_search/search_owner.hpp>

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

graph::Graph two_blocks_of_a_decoder() {
  nn::DecoderConfig config;
  config.architecture = "llama";
  config.d_model = 16;
  config.layers = 2;
  config.heads = 2;
  config.kv_heads = 1;
  config.head_dim = config.rope.dims = 8;
  config.ffn_dim = 24;
  config.vocab = 32;
  return nn::build_lm_training(config, {.batch = 1, .tokens = 8, .exit_weights = {}, .form = {}})
      ->graph;
}

TEST(SearchSpace, WithoutBiasesNormsStandForThem) {
  const graph::Graph graph = two_blocks_of_a_decoder();
  const SearchSpace space(graph);
  EXPECT_EQ(space.weights(), 1 + 2u * 7);  // the embedding first
  ASSERT_EQ(space.biases(), 2u * 2);       // the last norm is the head
  Genome all = space.head();
  all.biases = space.biases();
  nn::UpdateScheme norms = *nn::preset_scheme("bias", graph);
  norms.layers.erase("output_norm.weight");
  EXPECT_TRUE(space.scheme(all) == norms);
}

TEST(SearchSpace, KnowsBlocks) {
  const SearchSpace space(two_blocks_of_a_decoder());
  ASSERT_EQ(space.blocks(), 3u);  // the embedding is one
  EXPECT_EQ(space.weights_of(2), (std::vector<size_t>{8, 9, 10, 11, 12, 13, 14}));
  EXPECT_EQ(space.first_block(space.head()), 3u);
  const Genome last = space.tail(2, 3);
  EXPECT_EQ(space.first_block(last), 2u);
  EXPECT_EQ(last.biases, 2u);
  const nn::UpdateScheme scheme = space.scheme(last);
  EXPECT_EQ(scheme.layers.size(), 7u + 2);
  EXPECT_EQ(scheme.layers.at("blk.1.ffn_down.weight").ratio, 0.5);
  Genome deep = space.head();
  deep.biases = 3;
  EXPECT_EQ(space.first_block(deep), 1u);
  EXPECT_EQ(SearchSpace(three_layers()).blocks(), 3u);
}

TEST(SearchSpace, AnEmbeddingIsUpdatedWholeOrNotAtAll) {
  const SearchSpace space(two_blocks_of_a_decoder());
  EXPECT_EQ(space.weight(0), "token_embd.weight");
  const nn::UpdateScheme scheme = space.scheme(space.tail(0, 1));
  EXPECT_EQ(scheme.layers.at("token_embd.weight").kind, nn::UpdateKind::Full);
  EXPECT_EQ(scheme.layers.at("blk.0.attn_q.weight").ratio, 0.125);
  EXPECT_EQ(space.measurements().size(), 5u + 1 + 2 * 7 * 4);
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

TEST(Contributions, FinalsAndTheirRankingsAreKept) {
  const test::TemporaryFolder folder;
  const graph::Graph graph = three_layers();
  const SearchSpace space(graph);
  Contributions first(space, "me"), again(space, "me");
  first.finals()["a"] = -3.5;
  const nn::UpdateScheme half = space.scheme(space.tail(1, 3));
  first.add({77, 1.5, {{"searched 1", half, 0.5}, {"head", {}, 0.1}}});
  ASSERT_TRUE(first.save(folder / "c.json"));
  ASSERT_TRUE(again.load(folder / "c.json"));
  EXPECT_EQ(again.finals(), first.finals());
  ASSERT_EQ(again.rankings().size(), 1u);
  const Ranking& ranking = again.rankings()[0];
  EXPECT_EQ(ranking.memory_bytes, 77);
  EXPECT_EQ(ranking.step_ms, 1.5);
  ASSERT_EQ(ranking.schemes.size(), 2u);
  EXPECT_EQ(ranking.schemes[0].name, "searched 1");
  EXPECT_TRUE(ranking.schemes[0].scheme == half);
  EXPECT_EQ(ranking.schemes[0].score, 0.5);
  const std::string limits = R"("memory_bytes": 1, "step_ms": 0)";
  for (const std::string& text :
       {std::string(R"("finals": [])"), std::string(R"("finals": {"a": null})"),
        std::string(R"("rankings": {})"), std::string(R"("rankings": [{"memory_bytes": 1}])"),
        R"("rankings": [{)" + limits + R"(, "schemes": [{"name": "a", "score": 1}]}])",
        R"("rankings": [{)" + limits +
            R"(, "schemes": [{"name": "a", "score": 1, "scheme": 2}]}])"}) {
    folder.add("bad.json", fmt::format(R"({{"owner": "me", "scores": {{}}, {}}})", text));
    EXPECT_EQ(again.load(folder / "bad.json").error().code, Code::Malformed) << text;
  }
}

TEST(Contributions, ARankingIsForBudgetsUpToItsOwnAndForItsTime) {
  const SearchSpace space(three_layers());
  Contributions known(space, "me");
  EXPECT_EQ(known.ranking_for(1, 0), nullptr);
  known.add({100, 0, {{"a", {}, 0.1}}});
  known.add({50, 0, {{"b", {}, 0.1}}});
  known.add({50, 2, {{"c", {}, 0.1}}});
  known.add({100, 0, {{"d", {}, 0.1}}});
  EXPECT_EQ(known.rankings().size(), 3u);
  EXPECT_EQ(known.ranking_for(51, 0)->schemes[0].name, "d");
  EXPECT_EQ(known.ranking_for(50, 0)->schemes[0].name, "b");
  EXPECT_EQ(known.ranking_for(20, 2)->schemes[0].name, "c");
  EXPECT_EQ(known.ranking_for(101, 0), nullptr);
  EXPECT_EQ(known.ranking_for(51, 2), nullptr);
}

TEST(Contributions, RankingsOfAnOlderFileStayBesideThoseOfANewerOne) {
  const test::TemporaryFolder folder;
  const SearchSpace space(three_layers());
  Contributions older(space, "me"), newer(space, "me"), other(space, "you"), merged(space, "me");
  older.add({100, 0, {{"a", {}, 0.1}}});
  older.add({50, 0, {{"b", {}, 0.1}}});
  newer.add({50, 0, {{"c", {}, 0.1}}});
  const auto text = [&](const Contributions& contributions) {
    EXPECT_TRUE(contributions.save(folder / "c.json"));
    return *read_whole_file(folder / "c.json", 1 << 20);
  };
  folder.add("m.json", with_rankings_of(text(older), text(newer)));
  ASSERT_TRUE(merged.load(folder / "m.json"));
  EXPECT_EQ(merged.rankings().size(), 2u);
  EXPECT_EQ(merged.ranking_for(50, 0)->schemes[0].name, "c");
  EXPECT_EQ(merged.ranking_for(100, 0)->schemes[0].name, "a");
  EXPECT_EQ(with_rankings_of(text(other), text(newer)), text(newer));
  EXPECT_EQ(with_rankings_of("[", text(newer)), text(newer));
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
