#include <gtest/gtest.h>

#include <verge/engine/runtime/checked_file.hpp>

#include "temporary_folder.hpp"

namespace verge::runtime {
namespace {

// "MAGIC", then 7, "text" and 1.5.
std::string written(const test::TemporaryFolder& folder) {
  auto file = AtomicFile::create(folder / "f");
  CheckedWriter writer(std::move(*file), "MAGIC");
  writer.number<uint16_t>(7);
  writer.text("text");
  writer.number(1.5);
  EXPECT_TRUE(writer.finish());
  return *read_whole_file(folder / "f", 1 << 10);
}

TEST(CheckedFile, ReadsWhatWasWritten) {
  const test::TemporaryFolder folder;
  const std::string bytes = written(folder);
  EXPECT_EQ(bytes.size(), 5u + 2 + 8 + 4 + 8 + 8);
  const auto file = MappedFile::open(folder / "f");
  ASSERT_TRUE(file);
  const auto content = checked_content(*file, "MAGIC");
  ASSERT_TRUE(content) << content.error().message;
  CheckedReader reader(*content);
  EXPECT_EQ(reader.number<uint16_t>(), 7);
  EXPECT_EQ(reader.text(), "text");
  EXPECT_EQ(reader.number<double>(), 1.5);
  EXPECT_TRUE(reader.good());
  EXPECT_EQ(reader.number<uint64_t>(), 0u);  // past the end
  EXPECT_FALSE(reader.good());
}

TEST(CheckedFile, DamageAndOtherKindsAreRefused) {
  const test::TemporaryFolder folder;
  const std::string whole = written(folder);
  struct Case {
    std::string bytes, message;
  };
  std::vector<Case> cases = {{"MAGIC", "does not begin with MAGIC"},
                             {"magic" + whole.substr(5), "does not begin with MAGIC"},
                             {whole + '\0', "checksum"},
                             {whole.substr(0, whole.size() - 1), "checksum"}};
  for (size_t i = 5; i < whole.size(); ++i) {
    cases.push_back({whole, "checksum"});
    cases.back().bytes[i] ^= 0x40;
  }
  for (const Case& c : cases) {
    const auto file = MappedFile::open(folder.add("damaged", c.bytes));
    ASSERT_TRUE(file) << file.error().message;
    const auto content = checked_content(*file, "MAGIC");
    ASSERT_FALSE(content);
    EXPECT_EQ(content.error().code, Code::Malformed);
    EXPECT_NE(content.error().message.find(c.message), std::string::npos)
        << content.error().message;
  }
}

TEST(CheckedFile, LengthsBeyondTheEndReadAsNothing) {
  const uint64_t lengths[] = {UINT64_MAX, 9, 1};
  for (const uint64_t length : lengths) {
    CheckedReader reader(std::as_bytes(std::span(&length, 1)));
    EXPECT_EQ(reader.text(), "");
    EXPECT_FALSE(reader.good());
    EXPECT_EQ(reader.number<int>(), 0);
  }
}

}  // namespace
}  // namespace verge::runtime
