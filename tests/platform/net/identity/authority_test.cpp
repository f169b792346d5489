#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <verge/platform/net/identity/authority.hpp>
#include <verge/platform/net/identity/openssl.hpp>

#include "test_fleet.hpp"

namespace verge::net {
namespace {

using test::now_unix_s;
using test::TestFleet;

Grant grant_for(const std::string& node) {
  return {
      .node = node, .hosts = {}, .from_unix_s = now_unix_s(), .until_unix_s = now_unix_s() + 60};
}

TEST(Authority, ComesBackFromItsFolder) {
  TestFleet fleet;
  const std::string folder = fleet / "authority";
  const auto again = Authority::load(folder);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->certificate(), fleet.authority().certificate());
  EXPECT_EQ(again->fleet(), "home");
  EXPECT_EQ(again->fingerprint(), fleet.authority().fingerprint());
  namespace fs = std::filesystem;
  EXPECT_EQ(fs::status(folder + "/authority.key").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(Authority::create(folder, "home", now_unix_s()).error().code, Code::Conflict);
  EXPECT_TRUE(again->issue(grant_for("a")).ok());
}

TEST(Authority, FilesOfTwoAreNoAuthority) {
  TestFleet fleet, other;
  const std::string folder = fleet / "authority";
  std::filesystem::copy_file(other / "authority/authority.key", folder + "/authority.key",
                             std::filesystem::copy_options::overwrite_existing);
  const auto mixed = Authority::load(folder);
  ASSERT_FALSE(mixed.ok());
  EXPECT_EQ(mixed.error().code, Code::Malformed);
  std::filesystem::remove(folder + "/authority.crt");
  EXPECT_EQ(Authority::load(folder).error().code, Code::NotFound);
}

TEST(Authority, ANodesCertificateIsNoAuthority) {
  TestFleet fleet;
  const Credentials node = fleet.node("edge-1");
  const std::string folder = fleet / "fake";
  std::filesystem::create_directory(folder);
  std::ofstream(folder + "/authority.key") << node.key();
  std::ofstream(folder + "/authority.crt") << node.certificate();
  EXPECT_EQ(Authority::load(folder).error().code, Code::Malformed);
}

// OpenSSL's own verification is the oracle of what the extensions allow.
TEST(Authority, SignsForBothEndsOfAConnection) {
  TestFleet fleet;
  const Credentials node = fleet.node("edge-1");
  const auto leaf = openssl::read_x509(node.certificate(), "leaf");
  const auto root = openssl::read_x509(fleet.authority().certificate(), "root");
  X509* const x = leaf->get();
  EXPECT_EQ(X509_check_purpose(x, X509_PURPOSE_SSL_SERVER, 0), 1);
  EXPECT_EQ(X509_check_purpose(x, X509_PURPOSE_SSL_CLIENT, 0), 1);
  EXPECT_EQ(X509_check_purpose(x, X509_PURPOSE_SSL_SERVER, 1), 0);
  EXPECT_EQ(X509_check_ca(x), 0);
  EXPECT_EQ(X509_check_ca(root->get()), 1);
  EXPECT_EQ(X509_check_issued(root->get(), x), X509_V_OK);
}

TEST(Authority, TheGrantCountsAndNotTheRequest) {
  TestFleet fleet;
  const auto request = make_request("somebody-else");
  const auto signed_pem = fleet.authority().sign(request->request, grant_for("edge-1"));
  ASSERT_TRUE(signed_pem.ok()) << signed_pem.error().message;
  EXPECT_EQ(read_certificate(*signed_pem, "x")->node, "edge-1");
}

TEST(Authority, BadGrantsAreRefused) {
  TestFleet fleet;
  const std::string request = make_request("a")->request;
  Grant grants[5];
  std::ranges::fill(grants, grant_for("a"));
  grants[0].node = "";
  grants[1].hosts = {"a,DNS:bank.example"};
  grants[2].hosts = {""};
  grants[3].hosts.assign(65, "a.example");
  grants[4].until_unix_s = grants[4].from_unix_s;
  for (const Grant& grant : grants) {
    EXPECT_EQ(fleet.authority().sign(request, grant).error().code, Code::InvalidArgument);
  }
}

TEST(Authority, BadRequestsAreRefused) {
  EXPECT_EQ(check_request("").error().code, Code::Malformed);
  EXPECT_TRUE(check_request(make_request("a")->request).ok());
  const openssl::Request unsigned_request(X509_REQ_new());
  const openssl::Key key = openssl::make_key(), other = openssl::make_key();
  X509_REQ_set_pubkey(unsigned_request.get(), key.get());
  X509_REQ_sign(unsigned_request.get(), other.get(), EVP_sha256());
  EXPECT_EQ(check_request(openssl::pem_of(unsigned_request)).error().code, Code::Malformed);
  const openssl::Request weak(X509_REQ_new());
  const openssl::Key rsa(EVP_RSA_gen(1024));
  X509_REQ_set_pubkey(weak.get(), rsa.get());
  X509_REQ_sign(weak.get(), rsa.get(), EVP_sha256());
  EXPECT_EQ(check_request(openssl::pem_of(weak)).error().code, Code::Unsupported);
}

}  // namespace
}  // namespace verge::net
