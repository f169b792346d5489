#include <sstream>

#include <gtest/gtest.h>

#include <verge/cli/json.hpp>

namespace verge::cli {
namespace {

TEST(Json, IsOneLineWhateverTheBytes) {
  std::ostringstream out;
  print_json_line({{"b", "two\nlines"}, {"a", "half \xc3"}}, out);
  EXPECT_EQ(out.str(), "{\"b\":\"two\\nlines\",\"a\":\"half \xef\xbf\xbd\"}\n");
}

}  // namespace
}  // namespace verge::cli
