#include "../c_check.hpp"

namespace verge::emit {
namespace {

using List = std::vector<int64_t>;

TEST(CReductions, AgreeWithTheReferences) {
  for (const char* op : {"reduce_sum", "reduce_mean", "reduce_max"}) {
    for (const List& axes : {List{0}, List{1}, List{-1}, List{0, 2}, List{0, 1, 2}}) {
      expect_c(op, {{.dims = {2, 3, 4}}}, {{"axes", axes}});
      expect_c(op, {{.dims = {2, 3, 4}}}, {{"axes", axes}, {"keep", int64_t{1}}});
    }
  }
  expect_c("reduce_max", {{{2, 2}, {1, NAN, 3, 2}}}, {{"axes", List{1}}});
  expect_c("sum_rows", {{.dims = {2, 3, 5}}});
}

}  // namespace
}  // namespace verge::emit
