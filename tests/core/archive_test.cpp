#include <gtest/gtest.h>

#include <verge/core/archive.hpp>

namespace verge {
namespace {

struct Record {
  int32_t number = 0;
  std::string name;
  std::vector<double> values;
};

template <typename Archive>
void archive(Archive& a, Record& r) {
  a.number(r.number);
  a.text(r.name);
  a.list(r.values, sizeof(double), [&](double& value) { a.number(value); });
}

std::vector<std::byte> written() {
  Record record{-7, "name", {0.5, -1e300}};
  ArchiveWriter writer;
  archive(writer, record);
  return {writer.bytes().begin(), writer.bytes().end()};
}

TEST(Archive, ReadsWhatItWrote) {
  const auto bytes = written();
  ArchiveReader reader(bytes);
  Record record;
  archive(reader, record);
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(record.number, -7);
  EXPECT_EQ(record.name, "name");
  EXPECT_EQ(record.values, (std::vector<double>{0.5, -1e300}));
}

TEST(Archive, EveryCutIsNoticedAndHugeCountsAllocateNothing) {
  auto bytes = written();
  for (size_t size = 0; size < bytes.size(); ++size) {
    ArchiveReader reader(std::span<const std::byte>(bytes).first(size));
    Record record;
    archive(reader, record);
    EXPECT_FALSE(reader.done()) << size;
  }
  std::fill_n(bytes.begin() + 4, 8, std::byte{0xFF});  // the name's length
  ArchiveReader reader(bytes);
  Record record;
  archive(reader, record);
  EXPECT_FALSE(reader.good());
  EXPECT_TRUE(record.name.empty());
}

}  // namespace
}  // namespace verge
