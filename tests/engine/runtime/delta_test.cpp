#include <fstream>
#include <numeric>

#include <gtest/gtest.h>

#include <verge/core/file.hpp>
#include <verge/core/rng.hpp>
#include <verge/engine/runtime/delta.hpp>

#include "temporary_folder.hpp"

namespace verge::runtime {
namespace {

struct DeltaModel {
  Tensor wide{DType::F32, {64, 50}}, bias{DType::F32, {5}}, counts{DType::I32, {7}};

  explicit DeltaModel(uint64_t seed) {
    Rng rng(seed);
    for (float& x : wide.span<float>()) x = rng.normal();
    for (float& x : bias.span<float>()) x = rng.normal();
    std::iota(counts.span<int32_t>().begin(), counts.span<int32_t>().end(), 1);
  }
  NamedTensors tensors() const {
    return {{"wide", wide.view()}, {"bias", bias.view()}, {"counts", counts.view()}};
  }
};

std::string content_of(const std::string& path) {
  return *read_whole_file(path, 1 << 20);
}

TEST(Delta, HoldsWhatChangedAndTurnsTheBaseIntoTheResult) {
  const test::TemporaryFolder folder;
  const DeltaModel base(1);
  DeltaModel now(1), onto(1);
  now.bias.span<float>()[3] += 0.5f;
  const auto written = write_delta(folder / "d", base.tensors(), now.tensors());
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(written->changed, 1u);
  EXPECT_EQ(written->tensors, 3u);
  EXPECT_EQ(written->bytes, 20);
  EXPECT_LT(content_of(folder / "d").size(), 150u);
  const auto applied = apply_delta(folder / "d", onto.tensors());
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_EQ(hash_of(onto.tensors()), hash_of(now.tensors()));
  EXPECT_EQ(onto.bias.span<float>()[3], now.bias.span<float>()[3]);
  EXPECT_EQ(apply_delta(folder / "d", onto.tensors()).error().code, Code::Conflict);
}

TEST(Delta, NothingChangedIsADeltaOfNothing) {
  const test::TemporaryFolder folder;
  DeltaModel model(1);
  EXPECT_EQ(write_delta(folder / "d", model.tensors(), model.tensors())->changed, 0u);
  EXPECT_EQ(apply_delta(folder / "d", model.tensors())->bytes, 0);
}

TEST(Delta, RefusesAnotherBaseAndOtherTensors) {
  const test::TemporaryFolder folder;
  const DeltaModel base(1), now(2);
  ASSERT_TRUE(write_delta(folder / "d", base.tensors(), now.tensors()));
  DeltaModel other(3);
  const uint64_t before = hash_of(other.tensors());
  EXPECT_EQ(apply_delta(folder / "d", other.tensors()).error().code, Code::Conflict);
  EXPECT_EQ(hash_of(other.tensors()), before);
  NamedTensors fewer = base.tensors();
  fewer.erase(fewer.begin());
  EXPECT_EQ(apply_delta(folder / "d", fewer).error().code, Code::Conflict);
  EXPECT_EQ(write_delta(folder / "e", fewer, now.tensors()).error().code, Code::InvalidArgument);
}

TEST(Delta, EveryCutAndEveryFlippedByteIsRefused) {
  const test::TemporaryFolder folder;
  const DeltaModel base(1);
  DeltaModel now(1);
  now.counts.span<int32_t>()[0] = 9;
  ASSERT_TRUE(write_delta(folder / "d", base.tensors(), now.tensors()));
  const std::string whole = content_of(folder / "d");
  DeltaModel onto(1);
  const uint64_t before = hash_of(onto.tensors());
  for (size_t i = 0; i < whole.size(); ++i) {
    for (const bool cut : {true, false}) {
      std::string damaged = cut ? whole.substr(0, i) : whole;
      if (!cut) damaged[i] ^= 1;
      std::ofstream(folder / "e", std::ios::binary) << damaged;
      EXPECT_FALSE(apply_delta(folder / "e", onto.tensors())) << i << " cut " << cut;
    }
  }
  EXPECT_EQ(hash_of(onto.tensors()), before);
}

// A file whose checksum is right may promise anything.
TEST(Delta, TheResultMustBeTheOnePromised) {
  const test::TemporaryFolder folder;
  DeltaModel base(1);
  auto file = AtomicFile::create(folder / "d");
  ASSERT_TRUE(file);
  CheckedWriter writer(std::move(*file), "VERGEDLT");
  writer.number<uint32_t>(1);
  writer.number(hash_of(base.tensors()));
  writer.number<uint64_t>(42);
  writer.number<uint64_t>(1);
  write_tensor(writer, "bias", base.bias.view());
  ASSERT_TRUE(writer.finish());
  EXPECT_EQ(apply_delta(folder / "d", base.tensors()).error().code, Code::Malformed);
}

}  // namespace
}  // namespace verge::runtime
