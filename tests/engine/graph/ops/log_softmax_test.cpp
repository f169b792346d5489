#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(LogSoftmax, Values) {
  expect_values("log_softmax", {given({2, 2}, {0, std::log(3.0), 1000, 1000})}, {},
                {std::log(0.25), std::log(0.75), std::log(0.5), std::log(0.5)});
}

TEST(LogSoftmax, Gradient) {
  expect_gradient("log_softmax", {trained({2, 4})});
}

}  // namespace
}  // namespace verge::support
