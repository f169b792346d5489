// Every codec there and back, and everything a hostile peer can write.

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>
#include <zstd.h>

#include <verge/platform/net/codec/tensor_codec.hpp>

#include "random_values.hpp"

namespace verge::net {
namespace {

using test::normal_values;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(TensorCodec, BytesPerRowAreThoseOfTheSpecification) {
  struct Case {
    const char* codec;
    int64_t bytes;
  };
  const Case cases[] = {
      {"f32", 16384}, {"f16", 8192}, {"int8", 4224}, {"int4", 2176}, {"int4h", 2176}};
  const auto values = normal_values(int64_t{3} * 4096, 1);
  for (const Case& it : cases) {
    const auto packed = pack(it.codec, values, {3, 4096});
    ASSERT_TRUE(packed);
    EXPECT_EQ(packed->codec, it.codec);
    EXPECT_EQ(packed->shape, (Shape{3, 4096}));
    EXPECT_EQ(static_cast<int64_t>(packed->data.size()), 3 * it.bytes);
    EXPECT_EQ(*packed_bytes(it.codec, {3, 4096}), 3 * it.bytes);
  }
  EXPECT_EQ(codec_names().size(), 5u);
}

double codec_error_of(std::string_view codec, const std::vector<float>& values,
                      const Shape& shape) {
  const auto packed = pack(codec, values, shape);
  EXPECT_TRUE(packed) << codec;
  if (!packed) return kInfinity;
  const auto back = unpack(*packed, shape.count());
  EXPECT_TRUE(back) << codec;
  return back ? relative_rms_error(values, *back) : kInfinity;
}

// The greatest of 64 normal values is 2.6 deviations on average, a step so 2.6/128 or 2.6/8, and
// the error of a uniform step its 12th root: 0.0059 and 0.094. f16: 2^-11 at most.
TEST(TensorCodec, ErrorsAreThoseOfTheirSteps) {
  const Shape shape = {16, 4096};
  const auto values = normal_values(shape.count(), 2);
  EXPECT_EQ(codec_error_of("f32", values, shape), 0);
  EXPECT_LT(codec_error_of("f16", values, shape), 0x1p-11);
  EXPECT_GT(codec_error_of("f16", values, shape), 0x1p-13);
  EXPECT_NEAR(codec_error_of("int8", values, shape), 0.0059, 0.0003);
  EXPECT_NEAR(codec_error_of("int4", values, shape), 0.095, 0.003);
  EXPECT_NEAR(codec_error_of("int4h", values, shape), 0.095, 0.003);
}

TEST(TensorCodec, TheRotationSavesGroupsWithAnOutlier) {
  const Shape shape = {8, 4096};
  auto values = normal_values(shape.count(), 3);
  for (size_t i = 7; i < values.size(); i += 64) values[i] = 50;
  EXPECT_LT(codec_error_of("int4h", values, shape), 0.7 * codec_error_of("int4", values, shape));
}

TEST(TensorCodec, ShapesOfAnyKindComeBack) {
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{7, 0}, Shape{0, 7}, Shape{2, 3, 5, 1, 67},
                             Shape{3, 1}, Shape{2, 65}}) {
    const auto values = normal_values(shape.count(), 4);
    for (const std::string_view codec : codec_names()) {
      const auto packed = pack(codec, values, shape);
      ASSERT_TRUE(packed) << codec << shape.str();
      EXPECT_EQ(static_cast<int64_t>(packed->data.size()), *packed_bytes(codec, shape));
      const auto back = unpack(*packed, 10000);
      ASSERT_TRUE(back) << codec << shape.str() << back.error().message;
      EXPECT_LT(relative_rms_error(values, *back), 0.3) << codec << shape.str();
    }
  }
}

TEST(TensorCodec, RowsCanBeCutAndJoined) {
  const auto values = normal_values(int64_t{5} * 100, 5);
  for (const std::string_view codec : codec_names()) {
    const auto whole = pack(codec, values, {5, 100});
    std::vector<std::byte> joined;
    for (size_t row = 0; row < 5; ++row) {
      const auto one = pack(codec, std::span(values).subspan(row * 100, 100), {1, 100});
      joined.insert(joined.end(), one->data.begin(), one->data.end());
    }
    EXPECT_EQ(joined, whole->data) << codec;
  }
}

TEST(TensorCodec, NanAndInfinityAreKeptOrRefused) {
  std::vector<float> values = {1, kNan, kInfinity, -kInfinity};
  for (const char* codec : {"f32", "f16"}) {
    const auto back = unpack(*pack(codec, values, {4}), 4);
    ASSERT_TRUE(back);
    EXPECT_TRUE(std::isnan((*back)[1]));
    EXPECT_EQ((*back)[2], kInfinity);
    EXPECT_EQ((*back)[3], -kInfinity);
  }
  values[1] = std::bit_cast<float>(0x7fc01234u);  // a NaN with something in it
  const auto exact = unpack(*pack("f32", values, {4}), 4);
  EXPECT_EQ(std::bit_cast<uint32_t>((*exact)[1]), 0x7fc01234u);
  for (const char* codec : {"int8", "int4", "int4h"}) {
    const auto refused = pack(codec, values, {2, 2});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Unsupported);
    EXPECT_NE(refused.error().message.find("row 0"), std::string::npos) << refused.error().message;
  }
}

TEST(TensorCodec, ValuesTooGreatAreRefusedNotCut) {
  const std::vector<float> values = {1, 2, 3, 65536};
  const auto refused = pack("f16", values, {2, 2});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("row 1"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("use f32"), std::string::npos);
  EXPECT_TRUE(pack("f32", values, {2, 2}));
  EXPECT_FALSE(pack("int4", std::vector<float>{6e5f}, {1}));
}

TEST(TensorCodec, ZstdStaysWhereItSaves) {
  std::vector<float> values(4096, 0.25f);
  for (const std::string_view codec : codec_names()) {
    const auto packed = pack(std::string(codec) + "+zstd", values, {4096});
    ASSERT_TRUE(packed);
    EXPECT_EQ(packed->codec, std::string(codec) + "+zstd");
    EXPECT_LT(packed->data.size() * 20, static_cast<size_t>(*packed_bytes(codec, {4096})));
    const auto back = unpack(*packed, 4096);
    ASSERT_TRUE(back);
    EXPECT_LT(relative_rms_error(values, *back), 0.01);
  }
}

TEST(TensorCodec, ZstdGoesWhereItDoesNot) {
  const auto values = normal_values(4096, 6);
  const auto packed = pack("f32+zstd", values, {4096});  // mantissas are noise
  const size_t plain = pack("f32", values, {4096})->data.size();
  if (packed->codec == "f32") {
    EXPECT_EQ(packed->data.size(), plain);
  } else {
    EXPECT_LE(packed->data.size() * 20, plain * 19);
  }
  EXPECT_EQ(pack("int4+zstd", values, {4096})->codec == "int4",
            pack("int4+zstd", values, {4096})->data.size() == 2176);
  std::vector<float> noise(4096);
  Rng rng(7);
  for (float& value : noise) value = std::bit_cast<float>(rng.next());
  EXPECT_EQ(pack("f32+zstd", noise, {4096})->codec, "f32");
}

void expect_unpack_refused(const PackedTensor& tensor, Code code, std::string_view part,
                           int64_t most_values = 1 << 20) {
  const auto values = unpack(tensor, most_values);
  ASSERT_FALSE(values) << part;
  EXPECT_EQ(values.error().code, code) << values.error().message;
  EXPECT_NE(values.error().message.find(part), std::string::npos) << values.error().message;
}

TEST(TensorCodec, UnknownCodecsAreNamedWithoutTheirBytes) {
  expect_unpack_refused({"int2", {1}, {}}, Code::Unsupported, "codec int2 is not known");
  expect_unpack_refused({"", {1}, {}}, Code::Unsupported, "those known are f32, f16, int8");
  expect_unpack_refused({"+zstd", {1}, {}}, Code::Unsupported, "codec +zstd");
  expect_unpack_refused({"f32+zstd+zstd", {1}, {}}, Code::Unsupported, "f32+zstd+zstd");
  expect_unpack_refused({"\x1b[2J" + std::string(1000, 'x'), {1}, {}}, Code::Unsupported,
                        "codec ?[2J" + std::string(20, 'x') + " is");
  EXPECT_EQ(pack("f33", {}, {0}).error().code, Code::InvalidArgument);
  EXPECT_EQ(packed_bytes("f33", {0}).error().code, Code::InvalidArgument);
}

TEST(TensorCodec, AbsurdShapesAreRefused) {
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
  for (const char* codec : {"f32", "int8", "int4h", "int4+zstd"}) {
    expect_unpack_refused({codec, {-1}, {}}, Code::Malformed, "not negative");
    expect_unpack_refused({codec, {0, -1}, {}}, Code::Malformed, "not negative");
    expect_unpack_refused({codec, {kHuge}, {}}, Code::Malformed, "more values");
    expect_unpack_refused({codec, {kHuge, kHuge, 2}, {}}, Code::Malformed, "more values");
    expect_unpack_refused({codec, {int64_t{1} << 32, int64_t{1} << 32}, {}}, Code::Malformed,
                          "more values");
    expect_unpack_refused({codec, {2, 3}, {}}, Code::Malformed, "more values", 5);
    expect_unpack_refused({codec, {1}, {}}, Code::Malformed, "more values", 0);
  }
  // Beside a zero, too: others multiply what came through.
  expect_unpack_refused({"f32", {kHuge, kHuge, 0}, {}}, Code::Malformed, "more values");
  expect_unpack_refused({"f32", {}, {}}, Code::Malformed, "more values", 0);
  EXPECT_TRUE(unpack({"f32", {0}, {}}, 0));
}

TEST(TensorCodec, WrongLengthsAreRefused) {
  const auto values = normal_values(100, 8);
  for (const std::string_view codec : codec_names()) {
    auto tensor = *pack(codec, values, {100});
    tensor.data.pop_back();
    expect_unpack_refused(tensor, Code::Malformed, "bytes, not");
    tensor.data.resize(tensor.data.size() + 2);
    expect_unpack_refused(tensor, Code::Malformed, "bytes, not");
    tensor.data.clear();
    expect_unpack_refused(tensor, Code::Malformed, "has 0 bytes");
  }
}

PackedTensor zstd_tensor(size_t bytes, const Shape& shape) {
  const std::vector<std::byte> zeroes(bytes);
  PackedTensor tensor{"f32+zstd", shape, {}};
  tensor.data.resize(ZSTD_compressBound(bytes));
  tensor.data.resize(
      ZSTD_compress(tensor.data.data(), tensor.data.size(), zeroes.data(), bytes, 19));
  return tensor;
}

TEST(TensorCodec, ZstdBombsAreRefusedUnread) {
  const PackedTensor bomb = zstd_tensor(size_t{64} << 20, {16});
  EXPECT_LT(bomb.data.size(), 10000u);
  expect_unpack_refused(bomb, Code::Malformed, "do not say that they hold its 64 bytes");
  // Within the limit it is a tensor like another.
  EXPECT_TRUE(unpack(zstd_tensor(4 << 20, {1 << 20}), 1 << 20));
  expect_unpack_refused(zstd_tensor(4 << 20, {1 << 20}), Code::Malformed, "more values",
                        (1 << 20) - 1);
}

TEST(TensorCodec, BrokenZstdIsRefused) {
  const PackedTensor good = zstd_tensor(4096, {1024});
  ASSERT_TRUE(unpack(good, 1024));
  PackedTensor cut = good;
  cut.data.pop_back();
  expect_unpack_refused(cut, Code::Malformed, "damaged");
  PackedTensor twice = good;
  twice.data.insert(twice.data.end(), good.data.begin(), good.data.end());
  expect_unpack_refused(twice, Code::Malformed, "damaged");
  expect_unpack_refused({"f32+zstd", {1}, {}}, Code::Malformed, "do not say");
  expect_unpack_refused({"f32+zstd", {1}, std::vector<std::byte>(20)}, Code::Malformed,
                        "do not say");
}

TEST(TensorCodec, InfiniteScalesAreRefused) {
  auto tensor = *pack("int8", normal_values(200, 9), {2, 100});
  tensor.data[tensor.data.size() / 2 + 1] = std::byte{0x7c};
  expect_unpack_refused(tensor, Code::Malformed, "row 1");
}

TEST(TensorCodec, RelativeErrorIsTheFormula) {
  const std::vector<float> a = {3, 4}, b = {3, 5}, zero = {0, 0};
  EXPECT_DOUBLE_EQ(relative_rms_error(a, b), 0.2);
  EXPECT_EQ(relative_rms_error(zero, zero), 0);
  EXPECT_EQ(relative_rms_error(zero, a), std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace verge::net
