#include <set>

#include <gtest/gtest.h>

#include <verge/stages/fit/scheme_search/search_owner.hpp>

namespace verge::fit {
namespace {

TEST(SearchOwner, IsAnotherForEachThingThatMeasurementsGoBy) {
  const SearchOptions usual;
  std::vector<SearchOptions> others(9, usual);
  others[0].plan.shape.squared_error = true;
  others[1].plan.shape.output = "logits";
  others[2].plan.shape.inputs = {{.name = "x", .shape = {8, 3}}};
  others[3].plan.shape.inputs = {{.name = "x", .shape = {8, 4}}};
  others[4].plan.shape.inputs = {{.name = "x", .shape = {8, 4}, .value = 2}};
  others[5].steps = 7;
  others[6].learning_rate = 0.5;
  others[7].data.training_images = 5;
  others[8].has_new_head = true;
  std::set<std::string> owners = {owner_of_search("12", "7", usual),
                                  owner_of_search("12", "8", usual),
                                  owner_of_search("13", "7", usual)};
  for (const SearchOptions& other : others) owners.insert(owner_of_search("12", "7", other));
  EXPECT_EQ(owners.size(), 3 + others.size());
}

TEST(SearchOwner, BeginsWithItsModelAndLeavesLimitsOut) {
  SearchOptions options;
  const std::string owner = owner_of_search("12", "7", options);
  EXPECT_TRUE(owner.starts_with(owner_of_model("12")));
  EXPECT_FALSE(owner.starts_with(owner_of_model("1")));
  options.plan.memory_bytes = 5;
  options.step_ms = 2;
  EXPECT_EQ(owner_of_search("12", "7", options), owner);
}

}  // namespace
}  // namespace verge::fit
