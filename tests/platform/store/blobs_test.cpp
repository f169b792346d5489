#include <filesystem>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <small_disk.hpp>
#include <sys/stat.h>
#include <temporary_folder.hpp>

#include <verge/core/file.hpp>
#include <verge/platform/store/blobs.hpp>
#include <verge/platform/store/sha256.hpp>

namespace verge::store {
namespace {

namespace fs = std::filesystem;
using How = Blobs::How;

class BlobsTest : public testing::Test {
 protected:
  Result<Blob> put(const std::string& file, How how = How::Copy) {
    Meter meter(watch_, 0);
    VERGE_TRY(StagedBlob staged, blobs_.stage(file, how, meter));
    VERGE_RETURN_IF_ERROR(staged.place());
    return staged.blob();
  }
  Status check(const Blob& blob) {
    Meter meter(watch_, blob.bytes);
    return blobs_.check(blob, meter);
  }
  std::string content(const Blob& blob) {
    return read_whole_file(blobs_.path(blob.digest), 1 << 24).value();
  }
  size_t files() {
    size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "objects")) {
      count += entry.is_regular_file() ? 1 : 0;
    }
    return count;
  }

  test::TemporaryFolder folder_;
  Blobs blobs_{folder_ / "objects"};
  Watch watch_;
};

TEST_F(BlobsTest, ContentIsNamedByItsSha256AndKeptOnce) {
  const std::string text(3'000'001, 'x');
  for (const char* name : {"a", "b"}) {
    const auto blob = put(folder_.add(name, text));
    ASSERT_TRUE(blob) << blob.error().message;
    EXPECT_EQ(blob->digest, sha256(text));
    EXPECT_EQ(blob->bytes, 3'000'001);
    EXPECT_EQ(blobs_.path(blob->digest),
              folder_ / "objects/" + blob->digest.substr(0, 2) + "/" + blob->digest.substr(2));
    EXPECT_TRUE(content(*blob) == text);
    EXPECT_TRUE(check(*blob));
  }
  EXPECT_EQ(files(), 1u);
}

TEST_F(BlobsTest, ACopySharesNothingWithItsSourceAndALinkShares) {
  for (const How how : {How::Copy, How::Link}) {
    const std::string source = folder_.add("s", how == How::Copy ? "first" : "other");
    const auto blob = put(source, how);
    ASSERT_TRUE(blob) << blob.error().message;
    fs::permissions(source, fs::perms::owner_write, fs::perm_options::add);
    std::fstream(source, std::ios::in | std::ios::out) << "X";
    EXPECT_EQ(content(*blob), how == How::Copy ? "first" : "Xther");
    EXPECT_EQ(check(*blob).ok(), how == How::Copy);
    fs::remove(source);
  }
}

TEST_F(BlobsTest, LinkingTwiceOrOverACopyLeavesOneFile) {
  const std::string source = folder_.add("s", "content");
  ASSERT_TRUE(put(source, How::Link) && put(source, How::Link) && put(source, How::Copy));
  EXPECT_EQ(fs::hard_link_count(source), 1u);  // the copy replaced the link
  ASSERT_TRUE(put(source, How::Link));         // and a link does not replace the copy
  EXPECT_EQ(fs::hard_link_count(source), 1u);
  EXPECT_EQ(files(), 1u);
}

TEST_F(BlobsTest, FindsAlteredShortAndMissingFiles) {
  const auto blob = put(folder_.add("s", "content"));
  const std::string path = blobs_.path(blob->digest);
  fs::permissions(path, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(path) << "cOntent";
  EXPECT_TRUE(blobs_.expect(*blob));
  EXPECT_NE(check(*blob).error().message.find("altered"), std::string::npos);
  std::ofstream(path) << "cont";
  EXPECT_NE(blobs_.expect(*blob).error().message.find("has 4 bytes, not 7"), std::string::npos);
  fs::remove(path);
  EXPECT_EQ(check(*blob).error().code, Code::NotFound);
  ASSERT_TRUE(put(folder_ / "s"));  // importing again mends it
  EXPECT_TRUE(check(*blob));
}

TEST_F(BlobsTest, StoppedOrWithoutRoomItLeavesNothing) {
  const std::string source = folder_.add("s", std::string(4 << 20, 'y'));
  std::atomic<bool> cancel = true;
  watch_.cancel = &cancel;
  EXPECT_EQ(put(source).error().code, Code::Cancelled);
  watch_.cancel = nullptr;
  {
    const test::SmallDisk disk(1 << 20);
    EXPECT_NE(put(source).error().message.find("disk full"), std::string::npos);
  }
  EXPECT_EQ(files(), 0u);
  EXPECT_EQ(put(folder_ / "none").error().code, Code::NotFound);
  EXPECT_NE(put(folder_.path()).error().message.find("is a folder"), std::string::npos);
}

TEST_F(BlobsTest, ASweepTakesTheDeadAndTheAbandonedOnly) {
  const auto live = put(folder_.add("a", "live")), dead = put(folder_.add("b", "dead!"));
  folder_.add("objects/.import-killed", "half");
  Meter meter(watch_, 0);
  auto staged = blobs_.stage(folder_ / "b", How::Copy, meter);  // as another process would
  ASSERT_TRUE(live && dead && staged);
  EXPECT_EQ(blobs_.sweep({live->digest}), 5 + 4);
  EXPECT_EQ(files(), 2u);
  EXPECT_TRUE(check(*live));
  ASSERT_TRUE(staged->place());
  EXPECT_TRUE(check(*dead));
}

}  // namespace
}  // namespace verge::store
