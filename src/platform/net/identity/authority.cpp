#include <algorithm>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <verge/core/atomic_folder.hpp>
#include <verge/core/file.hpp>
#include <verge/platform/net/identity/authority.hpp>
#include <verge/platform/net/identity/openssl.hpp>

namespace verge::net {

struct Authority::State {
  openssl::Key key;
  openssl::Certificate certificate;
  std::string pem;
  CertificateFacts facts;
};

namespace {

constexpr size_t kMostAuthorityBytes = 1 << 16;
constexpr int64_t kAuthorityLife_s = 10 * 366 * 86400LL;
constexpr size_t kMostHosts = 64;
constexpr int kLeastSecurityBits = 128;  // of P-256

void set_random_serial(X509* certificate) {
  unsigned char bytes[16];
  VERGE_CHECK(RAND_bytes(bytes, sizeof(bytes)) == 1);
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, of one length
  const std::unique_ptr<BIGNUM, openssl::Freed<BN_free>> number(
      BN_bin2bn(bytes, sizeof(bytes), nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate));
}

void set_common_name(X509_NAME* name, const std::string& text) {
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(text.data()),
                             static_cast<int>(text.size()), -1, 0);
}

void set_validity(X509* certificate, int64_t from_unix_s, int64_t until_unix_s) {
  ASN1_TIME_set(X509_getm_notBefore(certificate), from_unix_s);
  ASN1_TIME_set(X509_getm_notAfter(certificate), until_unix_s);
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, openssl::Freed<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  VERGE_CHECK(extension != nullptr, value, openssl::last_reason());
  X509_add_ext(certificate, extension.get(), -1);
}

openssl::Certificate make_root(const openssl::Key& key, const std::string& fleet,
                               int64_t now_unix_s) {
  openssl::Certificate root(X509_new());
  X509* const x = root.get();
  X509_set_version(x, X509_VERSION_3);
  set_random_serial(x);
  set_validity(x, now_unix_s - kClockSkew_s, now_unix_s + kAuthorityLife_s);
  set_common_name(X509_get_subject_name(x), fleet);
  X509_set_issuer_name(x, X509_get_subject_name(x));
  X509_set_pubkey(x, key.get());
  add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(x, x, NID_subject_key_identifier, "hash");
  VERGE_CHECK(X509_sign(x, key.get(), EVP_sha256()) > 0, openssl::last_reason());
  return root;
}

bool is_host_name(const std::string& host) {
  return !host.empty() && host.size() <= 253 && host.front() != '.' && host.front() != '-' &&
         std::ranges::all_of(host, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-' || c == '_';
         });
}

using Time = std::unique_ptr<ASN1_TIME, openssl::Freed<ASN1_TIME_free>>;

Time time_of(int64_t unix_s) {
  return Time(ASN1_TIME_set(nullptr, unix_s));
}

void add_revocation(X509_CRL* list, const Revocation& revocation) {
  BIGNUM* number = nullptr;
  VERGE_CHECK(BN_hex2bn(&number, revocation.serial.c_str()) > 0, revocation.serial);
  const std::unique_ptr<BIGNUM, openssl::Freed<BN_free>> owned(number);
  const std::unique_ptr<ASN1_INTEGER, openssl::Freed<ASN1_INTEGER_free>> serial(
      BN_to_ASN1_INTEGER(number, nullptr));
  X509_REVOKED* const entry = X509_REVOKED_new();
  X509_REVOKED_set_serialNumber(entry, serial.get());
  X509_REVOKED_set_revocationDate(entry, time_of(revocation.at_unix_s).get());
  X509_CRL_add0_revoked(list, entry);  // the list's from now on
}

std::string alternative_names(const Grant& grant) {
  std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
  for (const std::string& host : grant.hosts) {
    names += fmt::format(",{}:{}", is_ip_address(host) ? "IP" : "DNS", host);
  }
  return names;
}

}  // namespace

Status check_grant(const Grant& grant) {
  VERGE_RETURN_IF_ERROR(check_node_name(grant.node));
  if (grant.hosts.size() > kMostHosts) {
    return make_error(Code::InvalidArgument, "node \"{}\": {} host names; at most {} are possible",
                      grant.node, grant.hosts.size(), kMostHosts);
  }
  for (const std::string& host : grant.hosts) {
    if (is_ip_address(host) || is_host_name(host)) continue;
    return make_error(Code::InvalidArgument,
                      "node \"{}\": \"{}\" is neither a host name nor an IP address", grant.node,
                      host);
  }
  if (grant.from_unix_s < grant.until_unix_s) return {};
  return make_error(Code::InvalidArgument,
                    "node \"{}\": a certificate from {} until {} would never be valid", grant.node,
                    show_time(grant.from_unix_s), show_time(grant.until_unix_s));
}

Status check_request(std::string_view request_pem) {
  VERGE_TRY(const openssl::Request request,
            openssl::read_request(request_pem, "the certificate request"));
  EVP_PKEY* const key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr || X509_REQ_verify(request.get(), key) != 1) {
    ERR_clear_error();
    return make_error(Code::Malformed,
                      "the certificate request is not signed by its own key; make a new one");
  }
  if (EVP_PKEY_get_security_bits(key) >= kLeastSecurityBits) return {};
  return make_error(Code::Unsupported,
                    "the certificate request's key of {} bits is weaker than P-256; make a new one",
                    EVP_PKEY_get_bits(key));
}

Authority::Authority(std::unique_ptr<State> state) : state_(std::move(state)) {}
Authority::~Authority() = default;
Authority::Authority(Authority&&) noexcept = default;
Authority& Authority::operator=(Authority&&) noexcept = default;

Result<Authority> Authority::create(const std::string& folder, const std::string& fleet,
                                    int64_t now_unix_s) {
  VERGE_RETURN_IF_ERROR(check_node_name(fleet));
  VERGE_TRY(AtomicFolder made, AtomicFolder::create(folder));
  const openssl::Key key = openssl::make_key();
  const std::string root = openssl::pem_of(make_root(key, fleet, now_unix_s));
  VERGE_RETURN_IF_ERROR(
      openssl::write_pem(made.path() + "/authority.key", openssl::pem_of(key), Rights::OwnerOnly));
  VERGE_RETURN_IF_ERROR(openssl::write_pem(made.path() + "/authority.crt", root, Rights::Usual));
  VERGE_RETURN_IF_ERROR(made.commit());
  return load(folder);
}

Result<Authority> Authority::load(const std::string& folder) {
  const std::string key_file = folder + "/authority.key", file = folder + "/authority.crt";
  auto state = std::make_unique<State>();
  VERGE_TRY(const std::string key, read_whole_file(key_file, kMostAuthorityBytes));
  VERGE_TRY(state->pem, read_whole_file(file, kMostAuthorityBytes));
  VERGE_TRY(state->key, openssl::read_key(key, key_file));
  VERGE_TRY(state->certificate, openssl::read_x509(state->pem, file));
  VERGE_TRY(state->facts, read_certificate(state->pem, file));
  if (X509_check_private_key(state->certificate.get(), state->key.get()) != 1) {
    ERR_clear_error();
    return make_error(Code::Malformed,
                      "{}: is not the key of {}; bring back both files from one copy", key_file,
                      file);
  }
  if (X509_check_ca(state->certificate.get()) != 1) {
    return make_error(Code::Malformed,
                      "{}: is no certificate of an authority; bring back the file from a copy",
                      file);
  }
  return Authority(std::move(state));
}

Result<std::string> Authority::sign(std::string_view request_pem, const Grant& grant) const {
  VERGE_RETURN_IF_ERROR(check_grant(grant));
  VERGE_RETURN_IF_ERROR(check_request(request_pem));
  VERGE_TRY(const openssl::Request request,
            openssl::read_request(request_pem, "the certificate request"));
  const openssl::Certificate made(X509_new());
  X509* const x = made.get();
  X509* const root = state_->certificate.get();
  X509_set_version(x, X509_VERSION_3);
  set_random_serial(x);
  set_validity(x, grant.from_unix_s - kClockSkew_s, grant.until_unix_s);
  set_common_name(X509_get_subject_name(x), grant.node);
  X509_set_issuer_name(x, X509_get_subject_name(root));
  X509_set_pubkey(x, X509_REQ_get0_pubkey(request.get()));
  add_extension(x, root, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(x, root, NID_key_usage, "critical,digitalSignature");
  add_extension(x, root, NID_ext_key_usage, "serverAuth,clientAuth");
  add_extension(x, root, NID_subject_alt_name, alternative_names(grant));
  add_extension(x, root, NID_subject_key_identifier, "hash");
  add_extension(x, root, NID_authority_key_identifier, "keyid");
  VERGE_CHECK(X509_sign(x, state_->key.get(), EVP_sha256()) > 0, openssl::last_reason());
  return openssl::pem_of(made);
}

std::string Authority::sign_revocations(const std::vector<Revocation>& revoked, int64_t number,
                                        int64_t now_unix_s) const {
  const openssl::RevokedCertificates list(X509_CRL_new());
  X509_CRL* const crl = list.get();
  X509_CRL_set_version(crl, 1);  // that is v2
  X509_CRL_set_issuer_name(crl, X509_get_subject_name(state_->certificate.get()));
  X509_CRL_set1_lastUpdate(crl, time_of(now_unix_s).get());
  X509_CRL_set1_nextUpdate(crl, time_of(now_unix_s + kAuthorityLife_s).get());
  for (const Revocation& revocation : revoked) add_revocation(crl, revocation);
  X509_CRL_sort(crl);
  const std::unique_ptr<ASN1_INTEGER, openssl::Freed<ASN1_INTEGER_free>> count(ASN1_INTEGER_new());
  ASN1_INTEGER_set_int64(count.get(), number);
  X509_CRL_add1_ext_i2d(crl, NID_crl_number, count.get(), 0, 0);
  VERGE_CHECK(X509_CRL_sign(crl, state_->key.get(), EVP_sha256()) > 0, openssl::last_reason());
  return openssl::pem_of(list);
}

Result<Credentials> Authority::issue(const Grant& grant) const {
  VERGE_TRY(CertificateRequest own, make_request(grant.node));
  VERGE_TRY(std::string certificate, sign(own.request, grant));
  return Credentials::make(std::move(own.key), std::move(certificate), state_->pem, grant.node);
}

const std::string& Authority::certificate() const {
  return state_->pem;
}
const std::string& Authority::fleet() const {
  return state_->facts.node;
}
const std::string& Authority::fingerprint() const {
  return state_->facts.fingerprint;
}

}  // namespace verge::net
