#include <gtest/gtest.h>

#include <verge/platform/net/identity/openssl.hpp>

namespace verge::net::openssl {
namespace {

TEST(OpenSsl, AKeyComesBackFromItsPem) {
  const Key key = make_key();
  const auto again = read_key(pem_of(key), "a.key");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(EVP_PKEY_eq(key.get(), again->get()), 1);
  EXPECT_EQ(EVP_PKEY_get_bits(key.get()), 256);
}

TEST(OpenSsl, OtherTextIsRefusedByName) {
  for (const std::string text :
       {"", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    const auto key = read_key(text, "a.key");
    ASSERT_FALSE(key.ok());
    EXPECT_EQ(key.error().code, Code::Malformed);
    EXPECT_EQ(key.error().message,
              "a.key: no private key without a passphrase in PEM form (\"-----BEGIN PRIVATE "
              "KEY-----\")");
    EXPECT_EQ(read_x509(text, "a.crt").error().code, Code::Malformed);
    EXPECT_EQ(read_request(text, "a.csr").error().code, Code::Malformed);
  }
}

}  // namespace
}  // namespace verge::net::openssl
