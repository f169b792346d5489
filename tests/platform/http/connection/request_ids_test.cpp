#include <set>
#include <string>

#include <gtest/gtest.h>

#include <verge/platform/http/connection/request_ids.hpp>

namespace verge::http {
namespace {

TEST(RequestIds, AreUniqueAndSane) {
  RequestIds ids(0x1f3a9c02);
  std::set<std::string> made;
  for (int i = 0; i < 1000; ++i) made.insert(ids.make());
  EXPECT_EQ(made.size(), 1000u);
  for (const std::string& id : made) {
    EXPECT_TRUE(is_sane_request_id(id));
    EXPECT_TRUE(id.starts_with("1f3a9c02-"));
  }
}

TEST(RequestIds, OfClientsAreTakenWhenTheyAreHarmless) {
  for (const char* sane :
       {"a", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "Root=1-67891233-abcd", "a/b:c"}) {
    EXPECT_TRUE(is_sane_request_id(sane)) << sane;
  }
  for (const char* other : {"", " ", "a b", "a\n", "\"", "{}", "<x>", "\xc3\xa9"}) {
    EXPECT_FALSE(is_sane_request_id(other)) << other;
  }
  EXPECT_TRUE(is_sane_request_id(std::string(128, 'x')));
  EXPECT_FALSE(is_sane_request_id(std::string(129, 'x')));
}

}  // namespace
}  // namespace verge::http
