#include <openssl/err.h>

#include <verge/core/atomic_folder.hpp>
#include <verge/core/file.hpp>
#include <verge/platform/net/identity/credentials.hpp>
#include <verge/platform/net/identity/openssl.hpp>

namespace verge::net {
namespace {

constexpr size_t kMostPemBytes = 1 << 16;

constexpr size_t kMostListBytes = 16 << 20;

std::string request_of(std::string_view node, const openssl::Key& key) {
  const openssl::Request request(X509_REQ_new());
  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(node.data()),
                             static_cast<int>(node.size()), -1, 0);
  X509_REQ_set_pubkey(request.get(), key.get());
  VERGE_CHECK(X509_REQ_sign(request.get(), key.get(), EVP_sha256()) > 0, openssl::last_reason());
  return openssl::pem_of(request);
}

Result<std::string> read_if_there(const std::string& path) {
  auto text = read_whole_file(path, kMostListBytes);
  if (!text && text.error().code == Code::NotFound) return std::string();
  return text;
}

}  // namespace

Result<CertificateRequest> make_request(std::string_view node) {
  VERGE_RETURN_IF_ERROR(check_node_name(node));
  const openssl::Key key = openssl::make_key();
  return CertificateRequest{openssl::pem_of(key), request_of(node, key)};
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
  VERGE_TRY(Credentials own,
            make(std::move(key), std::move(certificate), std::move(authority), folder));
  VERGE_TRY(const std::string list, read_if_there(folder + "/revoked.crl"));
  VERGE_TRY(own.revoked_, RevocationList::parse(list, own.authority_, folder + "/revoked.crl"));
  return own;
}

std::string Credentials::renewal_request() const {
  const auto key = openssl::read_key(key_, "the node's key");
  VERGE_CHECK(key.ok());  // make() has read it
  return request_of(facts_.node, *key);
}

Status Credentials::renew(const std::string& folder, std::string certificate) {
  VERGE_TRY(Credentials renewed, make(key_, std::move(certificate), authority_, folder));
  if (renewed.facts_.node != facts_.node) {
    return make_error(Code::Denied,
                      "{}: the new certificate is of node \"{}\", not of \"{}\"; ask the authority "
                      "of this fleet",
                      folder, renewed.facts_.node, facts_.node);
  }
  VERGE_RETURN_IF_ERROR(
      openssl::write_pem(folder + "/node.crt", renewed.certificate_, Rights::Usual));
  renewed.revoked_ = std::move(revoked_);
  *this = std::move(renewed);
  return {};
}

Status Credentials::take_revocations(const std::string& folder, std::string_view pem) {
  VERGE_TRY(RevocationList list, RevocationList::parse(pem, authority_, "the authority"));
  if (list.number() <= revoked_.number()) return {};
  revoked_ = std::move(list);  // in force, whether or not it can be kept
  return openssl::write_pem(folder + "/revoked.crl", revoked_.pem(), Rights::Usual);
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
