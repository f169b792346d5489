#include <verge/stages/serve/speculation/draft_source.hpp>

#include "speculation_case.hpp"

namespace verge::serve {
namespace {

using Kind = DraftSource::Kind;

TEST_F(SpeculationCase, ASourceMakesItsProposers) {
  const std::pair<Kind, const char*> kinds[] = {
      {Kind::Ngram, "ngram"}, {Kind::Exits, "exits"}, {Kind::Model, "draft"}};
  for (const auto& [kind, name] : kinds) {
    const auto make = proposers({.kind = kind}, *model_, other_.get());
    ASSERT_TRUE(make.ok()) << make.error().message;
    for (int sequence = 0; sequence < 2; ++sequence) EXPECT_EQ((*make)()->name(), name);
  }
  const auto none = proposers({}, *model_, nullptr);
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(*none);
}

TEST_F(SpeculationCase, ADraftModelIsLoadedByItselfWithAsMuchRoom) {
  model::LoadOptions target{.context = 100, .max_outputs = 40, .max_sequences = 8};
  target.adapters = {{"a", "a.gguf"}};
  target.max_adapters = 3;
  target.plan = "model.plan";
  const model::LoadOptions draft = draft_load(target);
  EXPECT_EQ(draft.context, 100);
  EXPECT_EQ(draft.max_sequences, 8);
  EXPECT_EQ(draft.max_outputs, 1);
  EXPECT_TRUE(draft.adapters.empty());
  EXPECT_EQ(draft.max_adapters, 0);
  EXPECT_EQ(draft.plan, "");
}

TEST_F(SpeculationCase, ASourceThatCannotBeIsRefused) {
  const auto refused = [&](const DraftSource& source) {
    const auto made = proposers(source, *model_, other_.get());
    EXPECT_FALSE(made.ok());
    return made.ok() ? "" : made.error().message;
  };
  EXPECT_NE(refused({.kind = Kind::Exits, .exit_layers = 7}).find("no exit head after 7"),
            std::string::npos);
  auto smaller = test::tiny_spec("tiny-llama");
  smaller.vocab = 500;
  const auto another = test::load_model(test::write_model(folder_, smaller), pool_, {});
  const auto by_another = proposers({.kind = Kind::Model}, *model_, another.get());
  ASSERT_FALSE(by_another.ok());
  EXPECT_EQ(by_another.error().code, Code::Conflict);
  model_->decoder().min_chunk = 2;
  EXPECT_NE(refused({.kind = Kind::Ngram}).find("too few tokens"), std::string::npos);
  EXPECT_TRUE(proposers({}, *model_, nullptr).ok());
}

}  // namespace
}  // namespace verge::serve
