#include <openssl/err.h>

#include <verge/core/atomic_folder.hpp>
#include <verge/core/file.hpp>
#include <verge/platform/net/identity/credentials.hpp>
#include <verge/platform/net/identity/openssl.hpp>

namespace verge::net {
namespace {

constexpr size_t kMostPemBytes = 1 << 16;

}  // namespace

Result<CertificateRequest> make_request(std::string_view node) {
  VERGE_RETURN_IF_ERROR(check_node_name(node));
  const openssl::Key key = openssl::make_key();
  const openssl::Request request(X509_REQ_new());
  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(node.data()),
                             static_cast<int>(node.size()), -1, 0);
  X509_REQ_set_pubkey(request.get(), key.get());
  VERGE_CHECK(X509_REQ_sign(request.get(), key.get(), EVP_sha256()) > 0, openssl::last_reason());
  return CertificateRequest{openssl::pem_of(key), openssl::pem_of(request)};
}

Result<Credentials> Credentials::make(std::string key, std::string certificate,
                                      std::string authority, std::string_view what) {
  VERGE_TRY(const openssl::Key own, openssl::read_key(key, fmt::format("{}/node.key", what)));
  VERGE_TRY(const openssl::Certificate leaf,
            openssl::read_x509(certificate, fmt::format("{}/node.crt", what)));
  VERGE_TRY(const openssl::Certificate root,
            openssl::read_x509(authority, fmt::format("{}/authority.crt", what)));
  if (X509_check_private_key(leaf.get(), own.get()) != 1) {
    ERR_clear_error();
    return make_error(Code::Malformed,
                      "{}: node.key is not the key that node.crt was made for; join again with a "
                      "new token",
                      what);
  }
  if (X509_verify(leaf.get(), X509_get0_pubkey(root.get())) != 1) {
    ERR_clear_error();
    return make_error(Code::Malformed,
                      "{}: node.crt is not signed by authority.crt; join again with a new token",
                      what);
  }
  Credentials made;
  VERGE_TRY(made.facts_, read_certificate(certificate, what));
  made.key_ = std::move(key);
  made.certificate_ = std::move(certificate);
  made.authority_ = std::move(authority);
  return made;
}

Result<Credentials> Credentials::load(const std::string& folder) {
  VERGE_TRY(std::string key, read_whole_file(folder + "/node.key", kMostPemBytes));
  VERGE_TRY(std::string certificate, read_whole_file(folder + "/node.crt", kMostPemBytes));
  VERGE_TRY(std::string authority, read_whole_file(folder + "/authority.crt", kMostPemBytes));
  return make(std::move(key), std::move(certificate), std::move(authority), folder);
}

Status Credentials::save(const std::string& folder) const {
  VERGE_TRY(AtomicFolder made, AtomicFolder::create(folder));
  VERGE_RETURN_IF_ERROR(openssl::write_pem(made.path() + "/node.key", key_, Rights::OwnerOnly));
  VERGE_RETURN_IF_ERROR(openssl::write_pem(made.path() + "/node.crt", certificate_, Rights::Usual));
  VERGE_RETURN_IF_ERROR(
      openssl::write_pem(made.path() + "/authority.crt", authority_, Rights::Usual));
  return made.commit();
}

Status Credentials::check_valid(int64_t now_unix_s) const {
  if (now_unix_s < facts_.from_unix_s) {
    return make_error(Code::Denied,
                      "the certificate of this node, \"{}\", is valid from {} on and it is {}: set "
                      "the clock of this machine",
                      facts_.node, show_time(facts_.from_unix_s), show_time(now_unix_s));
  }
  if (now_unix_s > facts_.until_unix_s) {
    return make_error(
        Code::Denied,
        "the certificate of this node, \"{}\", expired at {} and it is {}: join again "
        "with a new token",
        facts_.node, show_time(facts_.until_unix_s), show_time(now_unix_s));
  }
  return {};
}

}  // namespace verge::net
