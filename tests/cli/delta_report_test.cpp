#include <command_line.hpp>
#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/cli/delta_report.hpp>

namespace verge::cli {
namespace {

TEST(DeltaReport, SaysWhatChangedOfHowMuch) {
  const runtime::DeltaSize size{
      .changed = 2, .tensors = 9, .bytes = 3 << 10, .model_bytes = 300 << 10, .file_bytes = 4000};
  EXPECT_EQ(show_size(size), "2 of 9 tensors changed, 3 KiB of 300 KiB (1.0 %)");
  EXPECT_EQ(show_size({.changed = 2, .bytes = 12}), "2 tensors changed, 12 B");
  EXPECT_EQ(size_json(size)["changed_bytes"], 3072);
}

TEST(DeltaReport, InspectShowsTheSlicesOfEachTensor) {
  const test::TemporaryFolder folder;
  const Tensor base(DType::F32, {64, 8}), now(DType::F32, {64, 8}), old_bias(DType::F32, {2}),
      bias(DType::F32, {2});
  for (float& value : bias.span<float>()) value = 1;
  for (size_t i = 8; i < 24; ++i) now.span<float>()[i] = 1;
  ASSERT_TRUE(runtime::write_delta(folder / "d", {{"w", base.view()}, {"b", old_bias.view()}},
                                   {{"w", now.view()}, {"b", bias.view()}}));
  const auto json = test::run_json({"inspect", folder / "d"});
  EXPECT_EQ(json["format"], "delta");
  EXPECT_EQ(json["version"], 2);
  EXPECT_EQ(json["changed_tensors"], 2);
  EXPECT_EQ(json["model_bytes"], 64 * 8 * 4 + 8);
  ASSERT_EQ(json["changes"].size(), 2u);
  EXPECT_FALSE(json["changes"][0].contains("axis"));
  EXPECT_EQ(json["changes"][1]["axis"], 0);
  EXPECT_EQ(json["changes"][1]["slices"], 2);
  EXPECT_EQ(json["changes"][1]["slices_of_axis"], 64);
  EXPECT_EQ(json["base_xxh3"].get<std::string>().size(), 16u);
  const test::Ran text = test::run_verge({"inspect", folder / "d"});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_NE(text.out.find("2 of 64 along axis 0"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("whole"), std::string::npos) << text.out;
  test::expect_refused(test::run_verge({"inspect", folder.add("cut", "VERGEDLT and more of it")}),
                       1, "damaged");
}

}  // namespace
}  // namespace verge::cli
