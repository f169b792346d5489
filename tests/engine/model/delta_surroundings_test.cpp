#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/format/safetensors/writer.hpp>
#include <verge/engine/model/delta_surroundings.hpp>

namespace verge::model {
namespace {

using Metadata = std::vector<std::pair<std::string, std::string>>;

// A file in memory of tensors of one to three bytes each, with these names, in this order.
std::string file_of(const std::vector<std::string>& names, const Metadata& metadata) {
  format::SafetensorsWriter writer;
  for (const auto& [key, value] : metadata) writer.set_metadata(key, value);
  const std::string bytes = "abc";
  for (const std::string& name : names) {
    const size_t length = 1 + static_cast<size_t>(name[0]) % 3;
    EXPECT_TRUE(writer.add(name, DType::I8, {static_cast<int64_t>(length)},
                           std::as_bytes(std::span(bytes)).first(length)));
  }
  std::string out;
  EXPECT_TRUE(writer.write_to([&](std::span<const std::byte> piece) -> Status {
    out.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return {};
  }));
  return out;
}

TensorFile tensor_file(const std::string& bytes) {
  auto file = TensorFile::parse(std::as_bytes(std::span(bytes)), "m.safetensors");
  EXPECT_TRUE(file) << file.error().message;
  return std::move(*file);
}

// The result's file, put together of the base's tensors.
std::string result_of(const Surroundings& around, const TensorFile& base) {
  std::string all;
  const auto append = [&](std::span<const std::byte> bytes) {
    all.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  for (size_t i = 0; i < base.tensors().size(); ++i) {
    around.for_each_piece(i, append);
    append(runtime::stored_bytes(base.tensors()[around.tensor(i)].second));
  }
  around.for_each_piece(base.tensors().size(), append);
  return all;
}

TEST(DeltaSurroundings, AreTheBasesWhereADeltaIsOfTensorsAlone) {
  const std::string bytes = file_of({"a", "b"}, {{"k", "v"}});
  const TensorFile base = tensor_file(bytes);
  const auto read = Surroundings::read({}, base);
  ASSERT_TRUE(read);
  EXPECT_EQ(result_of(*read, base), bytes);
}

TEST(DeltaSurroundings, BindTheBaseThoughNothingChanged) {
  const std::string bytes = file_of({"a", "b"}, {{"k", "v"}});
  const TensorFile base = tensor_file(bytes);
  const auto made = surroundings_between(base, base);
  ASSERT_TRUE(made);
  runtime::Delta delta;
  delta.surroundings = *made;
  const auto read = Surroundings::read(delta, base);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(result_of(*read, base), bytes);
  const std::string other = file_of({"a", "b"}, {{"k", "w"}});
  EXPECT_EQ(Surroundings::read(delta, tensor_file(other)).error().code, Code::Conflict);
}

TEST(DeltaSurroundings, MakeTheOtherFileByteForByte) {
  Rng rng(4);
  std::vector<std::string> names = {"a", "b", "c", "d", "e"};
  for (int round = 0; round < 100; ++round) {
    const auto metadata = [&] {
      Metadata made;
      for (uint32_t i = 0; i < rng.below(4); ++i) {
        made.emplace_back(fmt::format("key{}", i), std::string(rng.below(40), 'x'));
      }
      return made;
    };
    const std::string before = file_of(names, metadata());
    if (rng.below(2) == 0) std::swap(names[rng.below(5)], names[rng.below(5)]);
    const std::string after = file_of(names, metadata());
    const TensorFile base = tensor_file(before), tuned = tensor_file(after);
    const auto made = surroundings_between(base, tuned);
    ASSERT_TRUE(made) << made.error().message;
    runtime::Delta delta;
    delta.surroundings = *made;
    const auto read = Surroundings::read(delta, base);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(result_of(*read, base), after);
  }
}

// What is added to the metadata is all that is kept, not the header of all tensors: 24 bytes, so
// that the header's padding, behind all tensors, stays as it is.
TEST(DeltaSurroundings, HoldTheChangeAlone) {
  std::vector<std::string> names;
  for (int i = 0; i < 500; ++i) names.push_back(fmt::format("layer.{}.weight", i));
  const std::string before = file_of(names, {{"a", "b"}}),
                    after = file_of(names, {{"a", "b"}, {"lineage", "here, today"}});
  const auto made = surroundings_between(tensor_file(before), tensor_file(after));
  ASSERT_TRUE(made);
  EXPECT_LT(made->size(), 200u);
}

TEST(DeltaSurroundings, RefuseAnotherSetOfTensors) {
  const std::string two = file_of({"a", "b"}, {}), other = file_of({"a", "c"}, {}),
                    three = file_of({"a", "b", "c"}, {});
  for (const auto& [base, tuned] :
       {std::pair(two, other), std::pair(two, three), std::pair(three, two)}) {
    const auto made = surroundings_between(tensor_file(base), tensor_file(tuned));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::InvalidArgument);
  }
}

TEST(DeltaSurroundings, RefuseOtherMetadataThanTheBases) {
  const std::string before = file_of({"a"}, {}), after = file_of({"a"}, {{"k", "v"}}),
                    third = file_of({"a"}, {{"k", "w"}});
  const auto made = surroundings_between(tensor_file(before), tensor_file(after));
  ASSERT_TRUE(made);
  runtime::Delta delta;
  delta.surroundings = *made;
  const TensorFile other = tensor_file(third);
  EXPECT_EQ(Surroundings::read(delta, other).error().code, Code::Conflict);
}

TEST(DeltaSurroundings, EveryCutAndEveryFlippedBitIsRefused) {
  const std::string before = file_of({"a", "b", "c"}, {{"k", "v"}}),
                    after = file_of({"c", "a", "b"}, {{"k", "other"}});
  const TensorFile base = tensor_file(before);
  const auto made = surroundings_between(base, tensor_file(after));
  ASSERT_TRUE(made);
  for (size_t i = 1; i < made->size(); ++i) {
    runtime::Delta delta;
    delta.surroundings = std::span(*made).first(i);
    EXPECT_FALSE(Surroundings::read(delta, base)) << i;
  }
  for (size_t bit = 0; bit < made->size() * 8; ++bit) {
    std::vector<std::byte> damaged = *made;
    damaged[bit / 8] ^= std::byte{1} << bit % 8;
    runtime::Delta delta;
    delta.surroundings = damaged;
    EXPECT_FALSE(Surroundings::read(delta, base)) << bit;
  }
}

}  // namespace
}  // namespace verge::model
