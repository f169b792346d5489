#include <verge/engine/emit/c_program.hpp>

#include "c_check.hpp"

namespace verge::emit {
namespace {

TEST(CProgram, CompilesStrictly) {
  graph::Builder b("one");
  b.output(b.op("exp", {b.input("x", {DType::F32, {4}})}), "y");
  const auto source = emit_c(*b.finish(), {}, {.name = "net", .origin = "a test"});
  ASSERT_TRUE(source) << source.error().message;
  const test::TemporaryFolder folder;
  folder.add("net.h", source->header);
  folder.add("net.c", c_program("net"));
  expect_strict_c(folder);
}

TEST(CProgram, HasTheNamesOfItsNetwork) {
  const std::string text = c_program("digits");
  EXPECT_NE(text.find("digits_call("), std::string::npos);
  EXPECT_NE(text.find("DIGITS_INPUTS"), std::string::npos);
}

}  // namespace
}  // namespace verge::emit
