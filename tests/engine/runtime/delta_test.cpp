#include <cstring>
#include <fstream>
#include <numeric>

#include <gtest/gtest.h>
#include <small_disk.hpp>

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
  EXPECT_EQ(written->bytes, 4);  // of one of five
  EXPECT_EQ(written->model_bytes, 64 * 50 * 4 + 20 + 28);
  EXPECT_EQ(written->file_bytes, content_of(folder / "d").size());
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

TEST(Delta, SaysWhichTensorIsAnotherAndHow) {
  const test::TemporaryFolder folder;
  const Tensor floats(DType::F32, {2, 32}), blocks(DType::Q8_0, {2, 32});
  const auto refusal = [&](const NamedTensors& base, const NamedTensors& now) {
    return write_delta(folder / "d", base, now).error().message;
  };
  const std::string types = refusal({{"w", floats.view()}}, {{"w", blocks.view()}});
  EXPECT_NE(types.find("tensor w is f32 [2, 32] in the base, q8_0 [2, 32] in"), std::string::npos)
      << types;
  const std::string more =
      refusal({{"w", floats.view()}}, {{"v", floats.view()}, {"w", floats.view()}});
  EXPECT_NE(more.find("tensor v is the tuned model's alone"), std::string::npos) << more;
  const std::string fewer = refusal({{"w", floats.view()}}, {});
  EXPECT_NE(fewer.find("tensor w is the base's alone"), std::string::npos) << fewer;
}

TEST(Delta, TheModelIsOfAsManyTensorsAndBytes) {
  const test::TemporaryFolder folder;
  const DeltaModel base(1);
  const uint64_t hash = hash_of(base.tensors());
  for (const auto& [tensors, bytes] : {std::pair(3, 12848), {2, 12848}, {3, 12849}}) {
    const DeltaHead head{.base = hash,
                         .result = hash,
                         .tensors = static_cast<uint64_t>(tensors),
                         .model_bytes = static_cast<uint64_t>(bytes)};
    ASSERT_TRUE(write_delta_file(folder / "d", head, {}, {}));
    const auto applied = apply_delta(folder / "d", base.tensors());
    if (tensors == 3 && bytes == 12848) {
      EXPECT_TRUE(applied) << applied.error().message;
    } else {
      EXPECT_EQ(applied.error().code, Code::Conflict);
    }
  }
}

TEST(Delta, EveryCutAndEveryFlippedByteIsRefused) {
  const test::TemporaryFolder folder;
  const DeltaModel base(1);
  DeltaModel now(1);
  now.counts.span<int32_t>()[0] = 9;
  now.wide.span<float>()[3 * 50 + 7] = 9;
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

std::vector<std::byte> bytes_of_all(const NamedTensors& tensors) {
  std::vector<std::byte> all;
  for (const auto& [name, view] : tensors) {
    const auto bytes = stored_bytes(view);
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return all;
}

struct RandomModel {
  std::vector<Tensor> owners;
  NamedTensors tensors;
};

// Tensors of random types and shapes, any bytes.
RandomModel random_model(Rng& rng) {
  constexpr DType kTypes[] = {DType::F32,  DType::F16,  DType::BF16, DType::I8,
                              DType::Q4_0, DType::Q8_0, DType::Q6_K};
  RandomModel model;
  for (uint32_t i = 0; i < 1 + rng.below(5); ++i) {
    const DType dtype = kTypes[rng.below(7)];
    std::vector<int64_t> extents;
    for (uint32_t axis = 0; axis < 1 + rng.below(4); ++axis) extents.push_back(1 + rng.below(6));
    extents.back() *= info(dtype).block_size;
    Tensor& tensor = model.owners.emplace_back(dtype, Shape(std::span<const int64_t>(extents)));
    for (int64_t at = 0; at < tensor.view().bytes(); ++at) {
      tensor.view().as<std::byte>()[at] = static_cast<std::byte>(rng.below(256));
    }
    model.tensors.emplace_back(fmt::format("t{}", i), tensor.view());
  }
  return model;
}

// Other bytes in some slices along some axis.
void change_slices(const TensorView& tensor, Rng& rng) {
  const int axis = static_cast<int>(rng.below(static_cast<uint32_t>(tensor.shape.rank())));
  const AxisLayout layout = axis_layout(tensor, axis);
  for (uint32_t index = 0; index < layout.count; ++index) {
    if (rng.below(3) != 0) continue;
    for_each_piece(tensor, {axis, {{index, 1}}}, [&](int64_t offset, int64_t bytes) {
      for (int64_t at = offset; at < offset + bytes; ++at) {
        tensor.as<std::byte>()[at] = static_cast<std::byte>(rng.below(256));
      }
    });
  }
}

TEST(Delta, BaseAndDeltaAreTheResultBitForBitWhateverChanged) {
  const test::TemporaryFolder folder;
  Rng rng(3);
  for (int round = 0; round < 200; ++round) {
    const uint64_t seed = static_cast<uint64_t>(rng.below(1 << 30));
    Rng first(seed), second(seed), third(seed);
    const RandomModel base = random_model(first), now = random_model(second),
                      onto = random_model(third);
    for (const auto& [name, view] : now.tensors) {
      if (rng.below(2) == 0) change_slices(view, rng);
    }
    const auto written = write_delta(folder / "d", base.tensors, now.tensors);
    ASSERT_TRUE(written) << written.error().message;
    EXPECT_LE(written->bytes, written->model_bytes);
    const auto applied = apply_delta(folder / "d", onto.tensors);
    ASSERT_TRUE(applied) << applied.error().message;
    EXPECT_EQ(applied->bytes, written->bytes);
    EXPECT_EQ(applied->file_bytes, written->file_bytes);
    EXPECT_EQ(bytes_of_all(onto.tensors), bytes_of_all(now.tensors)) << round;
  }
}

// Rows of an embedding and input channels of a convolution take no more than themselves.
TEST(Delta, AFewSlicesAreAFractionOfTheTensor) {
  const test::TemporaryFolder folder;
  for (const int axis : {0, 1}) {
    Tensor base(DType::F32, {64, 32, 3, 3}), now(DType::F32, {64, 32, 3, 3});
    for_each_piece(now.view(), {axis, {{5, 2}}}, [&](int64_t offset, int64_t bytes) {
      std::memset(now.view().as<std::byte>() + offset, 1, static_cast<size_t>(bytes));
    });
    const auto written = write_delta(folder / "d", {{"w", base.view()}}, {{"w", now.view()}});
    ASSERT_TRUE(written);
    const int64_t slice = base.view().bytes() / base.shape()[axis];
    EXPECT_EQ(written->bytes, 2 * slice);
    EXPECT_LT(written->file_bytes, static_cast<uint64_t>(2 * slice + 200));
  }
}

TEST(Delta, ACancelledOneLeavesNothing) {
  const test::TemporaryFolder folder;
  const DeltaModel base(1), now(2);
  const std::atomic<bool> cancel = true;
  const auto written = write_delta(folder / "d", base.tensors(), now.tensors(), {}, {{}, &cancel});
  EXPECT_EQ(written.error().code, Code::Cancelled);
  EXPECT_TRUE(written.error().message.starts_with(folder / "d")) << written.error().message;
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(Delta, ADiskThatIsFullLeavesTheOldFile) {
  const test::TemporaryFolder folder;
  const DeltaModel base(1), now(2), later(3);
  ASSERT_TRUE(write_delta(folder / "d", base.tensors(), now.tensors()));
  const std::string old = content_of(folder / "d");
  {
    const test::SmallDisk disk(1000);
    EXPECT_FALSE(write_delta(folder / "d", base.tensors(), later.tensors()));
  }
  EXPECT_EQ(content_of(folder / "d"), old);
  EXPECT_EQ(folder.entries(), 1u);
}

Status write_version_1(const std::string& path, uint64_t base, uint64_t result,
                       const NamedTensors& changed) {
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  CheckedWriter writer(std::move(file), "VERGEDLT");
  writer.number<uint32_t>(1);
  writer.number(base);
  writer.number(result);
  writer.number<uint64_t>(changed.size());
  for (const auto& [name, view] : changed) write_tensor(writer, name, view);
  return writer.finish();
}

TEST(Delta, WholeTensorsOfVersion1AreStillRead) {
  const test::TemporaryFolder folder;
  DeltaModel base(1);
  const DeltaModel now(2);
  ASSERT_TRUE(write_version_1(folder / "d", hash_of(base.tensors()), hash_of(now.tensors()),
                              {{"bias", now.bias.view()}, {"wide", now.wide.view()}}));
  const auto applied = apply_delta(folder / "d", base.tensors());
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_EQ(applied->changed, 2u);
  EXPECT_EQ(hash_of(base.tensors()), hash_of(now.tensors()));
}

// A file whose checksum is right may promise anything.
TEST(Delta, TheResultMustBeTheOnePromised) {
  const test::TemporaryFolder folder;
  DeltaModel base(1);
  ASSERT_TRUE(
      write_version_1(folder / "d", hash_of(base.tensors()), 42, {{"bias", base.bias.view()}}));
  EXPECT_EQ(apply_delta(folder / "d", base.tensors()).error().code, Code::Malformed);
}

}  // namespace
}  // namespace verge::runtime
