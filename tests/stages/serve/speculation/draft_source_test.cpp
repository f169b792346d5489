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
    EXPECT_EQ((*make)()->name(), name);
    EXPECT_NE((*make)(), (*make)());  // one a sequence
  }
  const auto none = proposers({}, *model_, nullptr);
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(*none);
}

TEST_F(SpeculationCase, ASourceThatCannotBeIsRefused) {
  const auto refused = [&](const DraftSource& source) {
    const auto made = proposers(source, *model_, other_.get());
    EXPECT_FALSE(made.ok());
    return made.ok() ? "" : made.error().message;
  };
  EXPECT_NE(refused({.kind = Kind::Exits, .exit_layers = 7}).find("no exit head after 7"),
            std::string::npos);
  model_->decoder().min_chunk = 2;
  EXPECT_NE(refused({.kind = Kind::Ngram}).find("too few tokens"), std::string::npos);
  EXPECT_TRUE(proposers({}, *model_, nullptr).ok());
}

}  // namespace
}  // namespace verge::serve
