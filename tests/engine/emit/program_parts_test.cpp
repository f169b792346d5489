#include <gtest/gtest.h>

#include <verge/engine/emit/program_parts.hpp>

namespace verge::emit {
namespace {

TEST(ProgramParts, NamesStandForTheSource) {
  EXPECT_EQ(with_name("@name_run(@NAME_INPUTS, \"@name\")", "net1"),
            "net1_run(NET1_INPUTS, \"net1\")");
  EXPECT_EQ(with_name("nothing", "x"), "nothing");
}

TEST(ProgramParts, EachReplacementSeesWhatTheOneBeforeMade) {
  EXPECT_EQ(with_parts("a b a", {{"a", "bb"}, {"b", "c"}}), "cc c cc");
  EXPECT_EQ(with_parts("aaa", {{"a", "aa"}}), "aaaaaa");
}

TEST(ProgramParts, PrintingNamesNoSource) {
  EXPECT_EQ(kPrinting.find('@'), std::string_view::npos);
  EXPECT_EQ(kPrintingFloats.find('@'), std::string_view::npos);
}

}  // namespace
}  // namespace verge::emit
