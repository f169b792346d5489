#include <gtest/gtest.h>

#include <verge/stages/serve/api/json_end.hpp>

namespace verge::serve::api {
namespace {

TEST(JsonEnd, IsFoundHoweverTheTextGrows) {
  const std::string values[] = {"{}", "[]", R"({"a":"}\\\"]","b":[{},[1]]})",
                                R"(["\\",{"x":"{"}])"};
  for (const std::string& value : values) {
    const std::string text = value + "} tail";
    JsonEnd whole;
    EXPECT_EQ(whole.find(text), value.size()) << value;
    JsonEnd grown;
    for (size_t size = 1; size < value.size(); ++size) {
      ASSERT_EQ(grown.find(std::string_view(text).substr(0, size)), std::nullopt) << value;
    }
    EXPECT_EQ(grown.find(text), value.size()) << value;
  }
}

}  // namespace
}  // namespace verge::serve::api
