#include <gtest/gtest.h>

#include <verge/engine/format/adapter/pair_collector.hpp>

namespace verge::format {
namespace {

StoredTensor named(const std::string& name) {
  StoredTensor tensor;
  tensor.name = name;
  return tensor;
}

TEST(PairCollector, JoinsHalvesInAnyOrder) {
  PairCollector collector("f");
  ASSERT_TRUE(collector.add("w2", false, named("2b")));
  ASSERT_TRUE(collector.add("w1", true, named("1a")));
  ASSERT_TRUE(collector.add("w2", true, named("2a")));
  ASSERT_TRUE(collector.add("w1", false, named("1b")));
  const auto pairs = collector.finish();
  ASSERT_TRUE(pairs);
  ASSERT_EQ(pairs->size(), 2u);
  EXPECT_EQ((*pairs)[0].weight, "w1");
  EXPECT_EQ((*pairs)[1].a.name, "2a");
  EXPECT_EQ((*pairs)[1].b.name, "2b");
}

TEST(PairCollector, SaysWhatIsDoubleOrMissing) {
  PairCollector collector("f");
  ASSERT_TRUE(collector.add("w", true, named("one")));
  EXPECT_EQ(collector.add("w", true, named("other")).error().message,
            "f: one and other are the same half of w");
  EXPECT_EQ(collector.finish().error().message,
            "f: tensor one has no counterpart; the adapter is incomplete: fetch it again");
}

}  // namespace
}  // namespace verge::format
