#include <cmath>
#include <fstream>

#include <gtest/gtest.h>

#include <verge/engine/runtime/kernel_choices.hpp>

#include "temporary_folder.hpp"

namespace verge::runtime {
namespace {

KernelChoices two_machines() {
  KernelChoices choices;
  choices.add("a", "conv2d x", {{"direct", 2.0}, {"winograd2", 1.0}});
  choices.add("b", "conv2d x", {{"direct", 1.0}, {"winograd2", 3.0}});
  return choices;
}

TEST(KernelChoices, AreKeptForEachMachine) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "choices";
  ASSERT_TRUE(two_machines().write(path).ok());
  const auto read = KernelChoices::read(path);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_NE(read->find("a", "conv2d x"), nullptr);
  EXPECT_EQ(read->find("a", "conv2d x")->at(1).choice, "winograd2");
  EXPECT_EQ(read->find("b", "conv2d x")->at(1).seconds, 3.0);
  EXPECT_EQ(read->find("b", "conv2d y"), nullptr);
  EXPECT_EQ(read->find("c", "conv2d x"), nullptr);
}

TEST(KernelChoices, ADamagedFileIsRefused) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "choices";
  EXPECT_EQ(KernelChoices::read(path).error().code, Code::NotFound);
  ASSERT_TRUE(two_machines().write(path).ok());
  std::fstream(path, std::ios::in | std::ios::out).seekp(20).put('x');
  EXPECT_EQ(KernelChoices::read(path).error().code, Code::Malformed);
}

TEST(KernelChoices, ContentIsRefusedWhereItIsCutOrNoTime) {
  const std::vector<std::byte> good = two_machines().content();
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(KernelChoices::parse(std::span(good).first(size))) << size;
  }
  std::vector<std::byte> later = good;
  later[0] = std::byte{99};
  EXPECT_EQ(KernelChoices::parse(later).error().code, Code::Unsupported);
  for (const double seconds : {-1.0, std::nan(""), HUGE_VAL}) {
    KernelChoices odd;
    odd.add("a", "conv2d x", {{"direct", seconds}});
    EXPECT_EQ(KernelChoices::parse(odd.content()).error().code, Code::Malformed);
  }
}

}  // namespace
}  // namespace verge::runtime
