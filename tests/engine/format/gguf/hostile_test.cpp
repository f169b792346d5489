// GGUF files that lie: every case is a clear error, without a large allocation.

#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include <verge/engine/format/gguf/reader.hpp>

#include "gguf_bytes.hpp"

namespace verge::format {
namespace {

using test::GgufBytes;
using test::sample_file;

constexpr uint64_t kHuge[] = {uint64_t{1} << 31, uint64_t{1} << 32, uint64_t{1} << 62,
                              uint64_t{1} << 63, ~uint64_t{0},      ~uint64_t{0} - 7};

std::string error_of(const GgufBytes& bytes) {
  const Result<Gguf> file = Gguf::parse(bytes.span(), "m");
  return file ? "no error" : file.error().message;
}

TEST(GgufHostile, SurvivesAHugeNumberAtEveryByte) {
  const std::string whole = sample_file().str();
  for (size_t at = 0; at + sizeof(uint64_t) <= whole.size(); ++at) {
    for (uint64_t number : kHuge) {
      std::string changed = whole;
      std::memcpy(changed.data() + at, &number, sizeof number);
      const Result<Gguf> file = Gguf::parse(std::as_bytes(std::span(changed)));
      EXPECT_TRUE(file.ok() || !file.error().message.empty());
    }
  }
}

TEST(GgufHostile, NamesHeaderFaults) {
  const std::pair<GgufBytes, std::string> cases[] = {
      {GgufBytes(), "m: not a GGUF file but an empty file; fetch it again"},
      {GgufBytes().header(0, 0, 1), "m: version is 1, expected 2 or 3; convert the model again"},
      {GgufBytes().header(0, 0, 4), "m: version is 4, expected 2 or 3; a newer Verge may read it"},
      {GgufBytes().header(0, 0, 0x03000000),
       "m: byte order: the file is big endian; fetch the little-endian model"},
      {GgufBytes().header(uint64_t{1} << 60, 0),
       "m: tensor count at byte 8 is 1152921504606846976, more than the 8 bytes left can hold; "
       "the file is damaged or cut off: fetch it again"},
      {GgufBytes().header(0, ~uint64_t{0}),
       "m: key count at byte 16 is 18446744073709551615, more than the 0 bytes left can hold; the "
       "file is damaged or cut off: fetch it again"},
  };
  for (const auto& [bytes, message] : cases) EXPECT_EQ(error_of(bytes), message);
}

TEST(GgufHostile, NamesMetadataFaults) {
  const auto one = [] { return GgufBytes().header(0, 1); };
  const auto array = [&](uint32_t element, uint64_t count) {
    return one().text("k").put<uint32_t>(9).put(element).put(count);
  };
  const auto aligned = [&](int64_t value) { return one().key("general.alignment", 11, value); };
  GgufBytes nested = array(9, 1);
  for (int i = 0; i < 100; ++i) nested.put<uint32_t>(9).put<uint64_t>(1);
  const std::string power = ", expected a power of two up to 1073741824; fetch the file again";
  const std::pair<GgufBytes, std::string> cases[] = {
      {one().key<uint64_t>("k", 13, 0), "m: key k: value type is 13, expected 0 to 12; "},
      {array(77, 0), "m: key k: value type is 77, expected 0 to 12; "},
      {array(4, uint64_t{1} << 62), "m: k at byte 41 is 4611686018427387904, more than the 0 "},
      {array(8, 3).put<uint64_t>(0), "m: k at byte 41 is 3, more than the 8 bytes left can hold"},
      {nested, "m: key k: arrays nest deeper than 4; fetch it again"},
      {one().key<uint8_t>("k", 7, 2), "m: key k: a bool is 2, expected 0 or 1; fetch it again"},
      {aligned(24), "m: key general.alignment: found 24" + power},
      {aligned(0), "m: key general.alignment: found 0" + power},
      {aligned(-32), "m: key general.alignment: found -32" + power},
      {aligned(int64_t{1} << 40), "m: key general.alignment: found 1099511627776" + power},
      {GgufBytes().header(0, 2).key<uint8_t>("k", 0, 1).key<uint8_t>("k", 0, 1),
       "m: key k: appears twice; convert the model again"},
  };
  for (const auto& [bytes, message] : cases) {
    EXPECT_EQ(error_of(bytes).substr(0, message.size()), message);
  }
}

TEST(GgufHostile, NamesTensorFaults) {
  const auto one = [](std::initializer_list<uint64_t> dims, uint32_t type, uint64_t offset) {
    return GgufBytes().header(1, 0).tensor("x", dims, type, offset).pad().data(64);
  };
  const auto two = [](uint64_t second) {
    GgufBytes out = GgufBytes().header(2, 0).tensor("x", {16}, 0, 0);
    return out.tensor("y", {8}, 0, second).pad().data(96);
  };
  constexpr uint64_t kBig = uint64_t{1} << 40;
  const std::pair<GgufBytes, std::string> cases[] = {
      {one({}, 0, 0), "m: tensor x: has 0 dimensions, expected 1 to 4; fetch it again"},
      {one({1, 1, 1, 1, 1}, 0, 0), "m: tensor x: has 5 dimensions, expected 1 to 4; "},
      {one({4, 0}, 0, 0), "m: tensor x: dimension 1 is 0; fetch it again"},
      {one({~uint64_t{0}}, 0, 0), "m: tensor x: dimension 0 is -1; fetch it again"},
      {one({kBig, kBig}, 0, 0), "m: tensor x: shape [1099511627776, 1099511627776] overflows; "},
      {one({uint64_t{1} << 62}, 8, 0), "m: tensor x: shape [4611686018427387904] overflows; "},
      {one({33}, 2, 0), "m: tensor x: 33 columns are no multiple of the 32 values in a q4_0 block"},
      {one({8}, 0, 8), "m: tensor x: offset 8 is no multiple of the alignment 32; fetch it again"},
      {one({17}, 0, 0), "m: tensor x: 68 bytes at 0 of the data section, which has 64; the file"},
      {one({8}, 0, 1u << 20), "m: tensor x: 32 bytes at 1048576 of the data section, which has 64"},
      {one({8}, 0, ~uint64_t{31}), "m: tensor x: 32 bytes at 18446744073709551584 of the data"},
      {two(0), "m: tensor x: overlaps tensor y at byte 0; fetch it again"},
      {two(32), "m: tensor x: overlaps tensor y at byte 32; fetch it again"},
      {two(64), "no error"},
      {GgufBytes().header(2, 0).tensor("x", {8}, 0, 0).tensor("x", {8}, 0, 32).pad().data(64),
       "m: tensor x: appears twice; convert the model again"},
  };
  for (const auto& [bytes, message] : cases) {
    EXPECT_EQ(error_of(bytes).substr(0, message.size()), message);
  }
}

TEST(GgufHostile, ListsTypesItCannotRead) {
  GgufBytes bytes = GgufBytes().header(2, 0).tensor("x", {256}, 16, 0).tensor("y", {7}, 77, 96);
  bytes.pad().data(66).data(64);
  const Result<Gguf> file = Gguf::parse(bytes.span());
  ASSERT_TRUE(file) << file.error().message;
  const StoredTensor* x = file.value().find("x");
  EXPECT_EQ(x->type_name, "iq2_xxs");
  EXPECT_EQ(x->bytes.size(), 66u);
  EXPECT_EQ(x->view().error().message,
            "tensor x: type not supported: iq2_xxs; quantize the original model to another type");
  EXPECT_EQ(file.value().find("y")->type_name, "type 77");
  EXPECT_EQ(file.value().find("y")->bytes.size(), 64u);
}

TEST(GgufHostile, RefusesToViewMisalignedValues) {
  GgufBytes bytes = GgufBytes().header(1, 1).key<uint32_t>("general.alignment", 4, 1);
  bytes.tensor("x", {1}, 0, 0);
  if (bytes.str().size() % 4 == 0) bytes = GgufBytes();
  const std::string whole = bytes.str() + "1234";
  const Result<Gguf> file = Gguf::parse(std::as_bytes(std::span(whole)));
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file.value().find("x")->view().error().code, Code::Malformed);
}

}  // namespace
}  // namespace verge::format
