#include <gtest/gtest.h>

#include <verge/engine/backends/onednn/library.hpp>

namespace verge::backends::onednn {
namespace {

dnnl_version_t version_of(int major, int minor, unsigned threads) {
  dnnl_version_t version{};
  version.major = major;
  version.minor = minor;
  version.cpu_runtime = threads;
  return version;
}

TEST(OneDnnLibrary, OtherVersionsAreRefused) {
  EXPECT_TRUE(check_version(version_of(DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR, DNNL_RUNTIME_OMP)));
  EXPECT_TRUE(
      check_version(version_of(DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR + 1, DNNL_RUNTIME_OMP)));
  const Status status =
      check_version(version_of(DNNL_VERSION_MAJOR + 1, DNNL_VERSION_MINOR, DNNL_RUNTIME_OMP));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::Unsupported);
  EXPECT_NE(status.error().message.find("this build needs"), std::string::npos);
}

// The workers of a pool stand for OpenMP's threads, for no other's.
TEST(OneDnnLibrary, BuildsOnOtherThreadsAreRefused) {
  for (const unsigned threads : {DNNL_RUNTIME_SEQ, DNNL_RUNTIME_TBB, DNNL_RUNTIME_THREADPOOL}) {
    const Status status =
        check_version(version_of(DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR, threads));
    ASSERT_FALSE(status) << threads;
    EXPECT_NE(status.error().message.find("is not built on OpenMP"), std::string::npos);
  }
}

TEST(OneDnnLibrary, TheOneOfThisMachineIsLoadedOrNamed) {
  const auto library = load_library();
  if (library) {
    EXPECT_TRUE(check_version(*(*library)->version()));
  } else {
    EXPECT_NE(library.error().message.find("libdnnl"), std::string::npos);
  }
}

}  // namespace
}  // namespace verge::backends::onednn
