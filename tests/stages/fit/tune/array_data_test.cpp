#include <cmath>

#include <array_files.hpp>
#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/stages/fit/tune/array_data.hpp>

namespace verge::fit {
namespace {

// Five samples for the regressor, or as a classifier of y = x w + b with three classes.
struct Arrays {
  test::TemporaryFolder folder;
  BaseModel base;

  explicit Arrays(bool is_squared = true) {
    const std::string net = folder.add(
        "net.onnx", test::onnx_file(is_squared ? test::regressor() : test::small_onnx()));
    auto opened = open_base_model(net, {.batch = 2, .squared_error = is_squared});
    EXPECT_TRUE(opened) << opened.error().message;
    base = std::move(*opened);
    if (is_squared) {
      write("a", {5, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
      write("c", {5, 1}, {1, 2, 3, 4, 5});
      write("target", {5, 1}, {1, 2, 3, 4, 5});
    } else {
      write("x", {5, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
      write("labels", {5}, {0, 1, 2, -1, -100}, DType::I64);
    }
  }
  void write(const std::string& name, const Shape& shape, const std::vector<double>& values,
             DType dtype = DType::F32) const {
    test::write_array(folder / (name + ".npy"), shape, values, dtype);
  }
  Result<ArrayData> read() const { return read_arrays(base, {folder / ""}); }
  std::string refusal() const {
    const auto data = read();
    return data ? "taken" : data.error().message;
  }
};

TEST(ArrayData, HasAFileForEachInputAndTheTarget) {
  const Arrays arrays;
  const auto data = arrays.read();
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->count, 5);
  EXPECT_EQ(graph::load(data->inputs.at("c").view()), (std::vector<double>{1, 2, 3, 4, 5}));
  EXPECT_EQ(data->targets.shape(), Shape({5, 1}));
  const auto listed = read_arrays(arrays.base, {arrays.folder / "a.npy", arrays.folder / "c.npy",
                                                arrays.folder / "target.npy"});
  ASSERT_TRUE(listed) << listed.error().message;
  EXPECT_EQ(listed->checksum, data->checksum);
}

TEST(ArrayData, LabelsThatDoNotCountAreMinusOne) {
  const Arrays arrays(false);
  const auto data = arrays.read();
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(graph::load(data->labels.view()), (std::vector<double>{0, 1, 2, -1, -1}));
}

TEST(ArrayData, AColumnMayBeAVector) {
  const Arrays arrays;
  arrays.write("target", {5}, {1, 2, 3, 4, 5});
  arrays.write("c", {5}, {1, 2, 3, 4, 5});
  EXPECT_EQ(arrays.refusal(), "taken");
}

TEST(ArrayData, WhatDoesNotFitIsNamedWithWhatIsExpected) {
  const Arrays arrays;
  const auto expect = [&](std::string_view part) {
    EXPECT_NE(arrays.refusal().find(part), std::string::npos) << arrays.refusal();
  };
  arrays.write("c", {4, 1}, {1, 2, 3, 4});
  expect("c.npy: 4 samples, ");
  arrays.write("c", {5, 3}, std::vector<double>(15));
  expect("c.npy: [5, 3] of f32; input \"c\" takes [samples, 1] of reals (float32)");
  arrays.write("c", {5, 1}, {1, 2, 3, 4, 5}, DType::I64);
  expect("c.npy: [5, 1] of i64; input \"c\" takes [samples, 1] of reals (float32)");
  arrays.write("c", {5, 1}, {1, 2, 3, NAN, 5});
  expect("c.npy: sample 3 holds nan");
  arrays.write("c", {0, 1}, {});
  expect("input \"c\" takes [samples, 1]");
  std::filesystem::remove(arrays.folder / "c.npy");
  expect("no c.npy for input \"c\"; write [samples, 1] of reals (float32) by numpy.save");
  arrays.write("c", {5, 1}, {1, 2, 3, 4, 5});
  std::filesystem::remove(arrays.folder / "target.npy");
  expect("no target.npy for the target");
}

TEST(ArrayData, LabelsOutOfRangeAreNamed) {
  const Arrays arrays(false);
  arrays.write("labels", {5}, {0, 1, 3, 0, 0}, DType::I32);
  EXPECT_NE(arrays.refusal().find("the label of sample 2 is 3; the network tells 3 classes apart"),
            std::string::npos)
      << arrays.refusal();
  arrays.write("labels", {5}, {0, -2, 1, 0, 0}, DType::I32);
  EXPECT_NE(arrays.refusal().find("sample 1 is -2"), std::string::npos) << arrays.refusal();
  arrays.write("labels", {5}, {0, 0, 1, 0, 0});
  EXPECT_NE(arrays.refusal().find("the labels takes [samples] of integers"), std::string::npos)
      << arrays.refusal();
}

TEST(ArrayData, IsToldFromPicturesByItsFiles) {
  const Arrays arrays;
  EXPECT_TRUE(are_arrays({arrays.folder / ""}));
  EXPECT_TRUE(are_arrays({"a.npy", "b.npy"}));
  EXPECT_FALSE(are_arrays({"a.npy", "b.csv"}));
  EXPECT_FALSE(are_arrays({}));
  const test::TemporaryFolder empty;
  EXPECT_FALSE(are_arrays({empty / ""}));
  EXPECT_EQ(array_file_name("model/in:0"), "model_in_0.npy");
}

TEST(ArrayData, FilesOfOneNameAreRefused) {
  const Arrays arrays;
  const auto twice = read_arrays(arrays.base, {"one/a.npy", "two/a.npy"});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message, "one/a.npy and two/a.npy are both a.npy; give one of them");
  BaseModel base = arrays.base;
  const auto refusal = [&](const char* first, const char* second) {
    base.inputs[0].name = first;
    base.inputs[1].name = second;
    const auto data = read_arrays(base, {arrays.folder / ""});
    return data ? std::string("taken") : data.error().message;
  };
  EXPECT_NE(
      refusal("in:0", "in/0").find("input \"in:0\" and input \"in/0\" would both be in_0.npy"),
      std::string::npos);
  EXPECT_NE(refusal("a", "target").find("the target and input \"target\" would both be target.npy"),
            std::string::npos);
  EXPECT_EQ(refusal("a", "c"), "taken");
}

// Of f64 that f32 has no number for.
TEST(ArrayData, NumbersBeyondFloatsAreNotFinite) {
  const Arrays arrays;
  arrays.write("target", {5, 1}, {1, 2, 3, 1e300, 5}, DType::F64);
  EXPECT_NE(arrays.refusal().find("target.npy: sample 3 holds inf as float32"), std::string::npos)
      << arrays.refusal();
}

TEST(ArrayData, NumbersBeyondTheRowsOfATableAreNamed) {
  const test::TemporaryFolder folder;
  test::OnnxParts parts = test::small_onnx();
  parts.nodes.insert(parts.nodes.begin(), test::onnx_node("Gather", {"table", "ids"}, {"x"}));
  parts.constants.push_back(
      test::onnx_tensor<float>("table", test::kOnnxFloat, {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
  parts.inputs = {test::onnx_value("ids", test::kOnnxInt64, {-1})};
  const auto base = open_base_model(folder.add("net.onnx", test::onnx_file(parts)), {.batch = 2});
  ASSERT_TRUE(base) << base.error().message;
  test::write_array(folder / "labels.npy", {3}, {0, 1, 2}, DType::I64);
  test::write_array(folder / "ids.npy", {3}, {0, 3, -4}, DType::I64);
  EXPECT_TRUE(read_arrays(*base, {folder / ""}));
  for (const double beyond : {4.0, -5.0}) {
    test::write_array(folder / "ids.npy", {3}, {0, beyond, 1}, DType::I64);
    const auto refused = read_arrays(*base, {folder / ""});
    ASSERT_FALSE(refused);
    EXPECT_NE(
        refused.error().message.find(fmt::format(
            "ids.npy: sample 1 holds {}; input \"ids\" chooses from 4 rows of a table, 0 to 3",
            beyond)),
        std::string::npos)
        << refused.error().message;
  }
}

}  // namespace
}  // namespace verge::fit
