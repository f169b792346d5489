#include "../c_check.hpp"

namespace verge::emit {
namespace {

TEST(CBinary, BroadcastsAsNumPyDoes) {
  for (const char* op : {"add", "sub", "mul", "div", "maximum", "minimum"}) {
    expect_c(op, {{.dims = {2, 3, 4}}, {.dims = {2, 3, 4}}});
    expect_c(op, {{.dims = {2, 3, 4}}, {.dims = {3, 1}}});
    expect_c(op, {{.dims = {2, 1, 4}}, {.dims = {1, 3, 1}}});
    expect_c(op, {{.dims = {}}, {.dims = {5}}});
  }
  expect_c("pow", {{{3}, {0.5, 2, 3}}, {{3}, {2, -1, 0.5}}});
}

TEST(CBinary, GatedUnitsAgreeWithTheReference) {
  for (const char* op : {"swiglu", "geglu"}) expect_c(op, {{.dims = {2, 9}}, {.dims = {2, 9}}});
}

TEST(CBinary, ComparesAndChooses) {
  for (const char* relation : {"lt", "le", "gt", "ge", "eq", "ne"}) {
    expect_c("compare", {{{3}, {1, 2, 3}}, {{1}, {2}}}, {{"op", relation}});
  }
  expect_c("where", {{{2, 1}, {1, 0}, DType::U8}, {.dims = {2, 3}}, {.dims = {3}}});
}

}  // namespace
}  // namespace verge::emit
