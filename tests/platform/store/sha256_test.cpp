#include <gtest/gtest.h>

#include <verge/platform/store/sha256.hpp>

namespace verge::store {
namespace {

// The examples of FIPS 180-4 (NIST, "SHA-256 examples").
TEST(Sha256, AgreesWithTheStandard) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, PiecesAreTheWhole) {
  Sha256 sum;
  for (int i = 0; i < 1000; ++i) sum.add(std::as_bytes(std::span("aaaaa", 5)));
  EXPECT_EQ(sum.hex(), sha256(std::string(5000, 'a')));
}

}  // namespace
}  // namespace verge::store
