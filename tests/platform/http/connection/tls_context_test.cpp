#include <string>

#include <gtest/gtest.h>

#include <verge/platform/http/connection/tls_context.hpp>

#include "temporary_folder.hpp"
#include "test_certificate.hpp"

namespace verge::http {
namespace {

struct Case {
  const char* name;
  std::string certificate, key;  // contents; "-" is a missing file
  Code code;
  const char* file;  // which the message names
};

TEST(TlsContext, SaysWhichFileIsWrongAndHow) {
  const test::PemPair one = test::make_certificate(), other = test::make_certificate();
  const Case cases[] = {
      {"no certificate", "-", one.key, Code::NotFound, "c.pem"},
      {"no key", one.certificate, "-", Code::NotFound, "k.pem"},
      {"another's key", one.certificate, other.key, Code::Malformed, "k.pem"},
      {"the two swapped", one.key, one.certificate, Code::Malformed, "c.pem"},
      {"certificate as key", one.certificate, one.certificate, Code::Malformed, "k.pem"},
      {"an encrypted key", one.certificate, one.encrypted_key, Code::Unsupported, "k.pem"},
      {"noise", "noise", one.key, Code::Malformed, "c.pem"},
      {"a cut certificate", one.certificate.substr(0, 200), one.key, Code::Malformed, "c.pem"},
      {"a cut key", one.certificate, one.key.substr(0, 100), Code::Malformed, "k.pem"},
  };
  for (const Case& c : cases) {
    const test::TemporaryFolder folder;
    if (c.certificate != "-") folder.add("c.pem", c.certificate);
    if (c.key != "-") folder.add("k.pem", c.key);
    const Result<TlsContext> result = TlsContext::load({folder / "c.pem", folder / "k.pem"});
    ASSERT_FALSE(result.ok()) << c.name;
    EXPECT_EQ(result.error().code, c.code) << c.name << ": " << result.error().message;
    EXPECT_TRUE(result.error().message.starts_with(folder / c.file)) << result.error().message;
  }
}

TEST(TlsContext, LoadsAPairAndItsChain) {
  const test::TemporaryFolder folder;
  const test::PemPair pair = test::make_certificate(), issuer = test::make_certificate();
  const std::string chain = folder.add("c.pem", pair.certificate + issuer.certificate);
  const Result<TlsContext> context = TlsContext::load({chain, folder.add("k.pem", pair.key)});
  ASSERT_TRUE(context.ok()) << context.error().message;
  STACK_OF(X509)* extra = nullptr;
  SSL_CTX_get0_chain_certs(context->native(), &extra);
  EXPECT_EQ(sk_X509_num(extra), 1);
  EXPECT_EQ(SSL_CTX_get_min_proto_version(context->native()), TLS1_2_VERSION);
}

}  // namespace
}  // namespace verge::http
