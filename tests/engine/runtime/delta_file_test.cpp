#include <cstring>
#include <filesystem>

#include <gtest/gtest.h>

#include <verge/engine/runtime/delta_file.hpp>

#include "temporary_folder.hpp"

namespace verge::runtime {
namespace {

// The content of a delta file, number by number.
struct DeltaContent {
  std::vector<std::byte> bytes;

  template <typename T>
  DeltaContent& number(T value) {
    const auto more = std::as_bytes(std::span(&value, 1));
    bytes.insert(bytes.end(), more.begin(), more.end());
    return *this;
  }
  DeltaContent& text(std::string_view value) {
    number<uint64_t>(value.size());
    const auto more = std::as_bytes(std::span(value));
    bytes.insert(bytes.end(), more.begin(), more.end());
    return *this;
  }
  DeltaContent& head(uint64_t changes, uint64_t tensors = 3, uint64_t model_bytes = 400) {
    number<uint32_t>(2).number<uint64_t>(11).number<uint64_t>(22);
    return number(tensors).number(model_bytes).number(changes);
  }
  DeltaContent& tensor(std::string_view name, DType dtype, const std::vector<int64_t>& extents) {
    text(name).number(static_cast<uint32_t>(dtype)).number(static_cast<uint32_t>(extents.size()));
    for (const int64_t extent : extents) number(extent);
    return *this;
  }
  DeltaContent& slices(int32_t axis, const std::vector<SliceRun>& runs, size_t values) {
    number(axis).number<uint64_t>(runs.size());
    for (const SliceRun& run : runs) number(run.begin).number(run.count);
    bytes.resize(bytes.size() + values, std::byte{7});
    return *this;
  }
  DeltaContent& end() { return number<uint64_t>(0); }
};

std::string refusal_of(const DeltaContent& content) {
  const auto read = parse_delta(content.bytes, "d.vdelta");
  EXPECT_FALSE(read);
  if (read) return "";
  EXPECT_TRUE(read.error().message.starts_with("d.vdelta: ")) << read.error().message;
  return read.error().message;
}

TEST(DeltaFile, ReadsSlicesAndWholes) {
  DeltaContent content;
  content.head(2);
  content.tensor("a", DType::F32, {4, 5}).slices(0, {{0, 1}, {2, 2}}, 3 * 20);
  content.tensor("b", DType::Q8_0, {2, 64}).slices(-1, {}, 2 * 2 * 34);
  content.text("beside");
  const auto read = parse_delta(content.bytes, "d");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->head.base, 11u);
  EXPECT_EQ(read->head.result, 22u);
  EXPECT_EQ(read->head.model_bytes, 400u);
  ASSERT_EQ(read->changes.size(), 2u);
  EXPECT_EQ(read->changes[0].slices.runs, (std::vector<SliceRun>{{0, 1}, {2, 2}}));
  EXPECT_EQ(read->changes[0].values.size(), 60u);
  EXPECT_TRUE(read->changes[1].slices.is_whole());
  EXPECT_EQ(read->changes[1].shape, (Shape{2, 64}));
  EXPECT_EQ(read->surroundings.size(), 6u);
}

TEST(DeltaFile, RefusesSlicesThatOverlapOrLieOutside) {
  const auto with = [](int32_t axis, const std::vector<SliceRun>& runs) {
    DeltaContent content;
    content.head(1).tensor("a", DType::F32, {4, 5}).slices(axis, runs, 400).end();
    return refusal_of(content);
  };
  EXPECT_NE(with(0, {{0, 2}, {1, 1}}).find("slices 1 to 2 along axis 0 of 4, behind 2"),
            std::string::npos);
  const std::vector<std::vector<SliceRun>> outside = {{{4, 1}},         {{3, 2}},   {{0, 0}},
                                                      {{2, 1}, {0, 1}}, {{0, ~0u}}, {{~0u, ~0u}}};
  for (const std::vector<SliceRun>& runs : outside) {
    EXPECT_NE(with(0, runs).find("along axis 0"), std::string::npos);
  }
  for (const int32_t axis : {-2, 2, 0x7fffffff}) {
    EXPECT_NE(with(axis, {{0, 1}}).find("along axis"), std::string::npos) << axis;
  }
  EXPECT_NE(with(-1, {{0, 1}}).find("runs along axis"), std::string::npos);
  EXPECT_NE(with(0, {}).find("runs along axis"), std::string::npos);
}

TEST(DeltaFile, RefusesTensorsThatCannotBe) {
  const int64_t huge = int64_t{1} << 62;
  const std::vector<std::pair<DType, std::vector<int64_t>>> forms = {
      {DType::F32, {-1}},       {DType::F32, {0}},
      {DType::F32, {huge, 16}}, {DType::F32, {huge}},
      {DType::Q8_0, {33}},      {DType::Q8_0, {}},
      {DType{99}, {4}},         {DType::F32, {1, 1, 1, 1, 1, 1, 1}}};
  for (const auto& [dtype, extents] : forms) {
    DeltaContent content;
    content.head(1).tensor("a", dtype, extents).slices(-1, {}, 64).end();
    EXPECT_NE(refusal_of(content).find("is of type"), std::string::npos);
  }
  for (const char* second : {"a", "A"}) {
    DeltaContent content;
    content.head(2).tensor("a", DType::F32, {1}).slices(-1, {}, 4);
    content.tensor(second, DType::F32, {1}).slices(-1, {}, 4).end();
    EXPECT_NE(refusal_of(content).find("twice in it or out of order"), std::string::npos);
  }
}

TEST(DeltaFile, EveryCutOfItsContentIsRefused) {
  DeltaContent whole;
  whole.head(2);
  whole.tensor("a", DType::F32, {4, 5}).slices(1, {{0, 1}, {3, 1}}, 2 * 16);
  whole.tensor("b", DType::I8, {3}).slices(-1, {}, 3);
  whole.text("beside");
  ASSERT_TRUE(parse_delta(whole.bytes, "d"));
  for (size_t length = 0; length < whole.bytes.size(); ++length) {
    const auto read = parse_delta(std::span(whole.bytes).first(length), "d");
    ASSERT_FALSE(read) << length;
    EXPECT_NE(read.error().message.find("cut off"), std::string::npos) << length;
  }
  whole.number<uint8_t>(0);
  EXPECT_NE(refusal_of(whole).find("more follows its end"), std::string::npos);
}

TEST(DeltaFile, RefusesModelsThatCannotBe) {
  DeltaContent more, large, largest;
  EXPECT_NE(refusal_of(more.head(4).end()).find("4 of 3 tensors"), std::string::npos);
  EXPECT_NE(refusal_of(large.head(0, 3, uint64_t{1} << 63).end()).find("of 9223372036854775808"),
            std::string::npos);
  largest.head(0, 3, INT64_MAX).end();
  EXPECT_TRUE(parse_delta(largest.bytes, "d"));
}

// Counts of what is not there make no memory.
TEST(DeltaFile, HugeCountsAreCutsOff) {
  DeltaContent changes, runs;
  changes.head(~uint64_t{0}, ~uint64_t{0});
  EXPECT_NE(refusal_of(changes).find("cut off"), std::string::npos);
  runs.head(1).tensor("a", DType::F32, {1 << 20}).number<int32_t>(0).number(~uint64_t{0});
  EXPECT_NE(refusal_of(runs).find("cut off"), std::string::npos);
}

TEST(DeltaFile, ALaterVersionIsNamed) {
  DeltaContent content;
  content.number<uint32_t>(3).number<uint64_t>(0).number<uint64_t>(0);
  const auto read = parse_delta(content.bytes, "d");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::Unsupported);
  EXPECT_NE(read.error().message.find("version 3 of the format"), std::string::npos);
}

TEST(DeltaFile, WhatIsWrittenIsRead) {
  const test::TemporaryFolder folder;
  const Tensor tensor(DType::F32, {4, 2});
  for (size_t i = 0; i < 8; ++i) tensor.span<float>()[i] = static_cast<float>(i);
  const std::string beside = "beside";
  const auto size = write_delta_file(folder / "d", {.base = 5, .result = 6, .tensors = 7},
                                     {{"a", tensor.view(), {0, {{1, 1}, {3, 1}}}}},
                                     std::as_bytes(std::span(beside)));
  ASSERT_TRUE(size) << size.error().message;
  EXPECT_EQ(*size, std::filesystem::file_size(folder / "d"));
  const auto read = open_delta(folder / "d");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->delta.head.tensors, 7u);
  ASSERT_EQ(read->delta.changes.size(), 1u);
  std::vector<float> values(4);
  ASSERT_EQ(read->delta.changes[0].values.size(), 16u);
  std::memcpy(values.data(), read->delta.changes[0].values.data(), 16);
  EXPECT_EQ(values, (std::vector<float>{2, 3, 6, 7}));
}

TEST(DeltaFile, IsKnownByItsFirstBytes) {
  const test::TemporaryFolder folder;
  EXPECT_TRUE(is_delta(folder.add("a", "VERGEDLT...")));
  for (const char* other : {"VERGEDL", "VERGEPLN", ""}) {
    EXPECT_FALSE(is_delta(folder.add("b", other))) << other;
  }
  EXPECT_FALSE(is_delta(folder / "none"));
  EXPECT_FALSE(is_delta(folder.path()));
  EXPECT_NE(open_delta(folder.add("c", "GGUF and more of it")).error().message.find("VERGEDLT"),
            std::string::npos);
}

}  // namespace
}  // namespace verge::runtime
