#include <algorithm>
#include <ctime>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <verge/platform/net/identity/certificate.hpp>
#include <verge/platform/net/identity/openssl.hpp>

namespace verge::net {
namespace {

using openssl::Certificate;
using openssl::Freed;

constexpr size_t kMostNodeName = 64;  // ub-common-name of RFC 5280
constexpr size_t kMostChain = 8;

std::string hex_of(const unsigned char* bytes, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

std::string fingerprint_of(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  VERGE_CHECK(X509_digest(certificate, EVP_sha256(), digest, &size) == 1);
  return hex_of(digest, size);
}

std::string common_name(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return {};
  const std::string text(reinterpret_cast<char*>(utf8), static_cast<size_t>(size));
  OPENSSL_free(utf8);
  return text;
}

int64_t unix_time_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<int64_t>(timegm(&parts)) : 0;
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  char text[INET6_ADDRSTRLEN] = {};
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(address) != 16) return {};
  return inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof(text));
}

std::vector<std::string> hosts_of(const X509* certificate) {
  std::vector<std::string> hosts;
  const std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      hosts.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                         static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      hosts.push_back(address_text(name->d.iPAddress));
    }
  }
  return hosts;
}

CertificateFacts facts_of(X509* certificate) {
  CertificateFacts facts;
  facts.node = common_name(X509_get_subject_name(certificate));
  facts.fleet = common_name(X509_get_issuer_name(certificate));
  facts.hosts = hosts_of(certificate);
  facts.from_unix_s = unix_time_of(X509_get0_notBefore(certificate));
  facts.until_unix_s = unix_time_of(X509_get0_notAfter(certificate));
  facts.serial = openssl::hex_of(X509_get0_serialNumber(certificate));
  facts.fingerprint = fingerprint_of(certificate);
  return facts;
}

// Those that can be read, in their order.
std::vector<Certificate> chain_of(std::string_view pem) {
  std::vector<Certificate> chain;
  const std::unique_ptr<BIO, Freed<BIO_free>> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (chain.size() < kMostChain) {
    Certificate next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!next) break;
    chain.push_back(std::move(next));
  }
  ERR_clear_error();
  return chain;
}

Error refusal(int reason, const CertificateFacts& peer, const CertificateFacts& authority,
              const Trust& trust, std::string_view what) {
  switch (reason) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return make_error(Code::Denied,
                        "{}: the certificate of node \"{}\" or of its authority expired; the "
                        "node's was valid until {} and it is {}: have it join again with a new "
                        "token, or set the clock of this machine",
                        what, peer.node, show_time(peer.until_unix_s), show_time(trust.now_unix_s));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return make_error(Code::Denied,
                        "{}: the certificate of node \"{}\" is valid from {} on and it is {}: set "
                        "the clock of this machine",
                        what, peer.node, show_time(peer.from_unix_s), show_time(trust.now_unix_s));
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return make_error(Code::Denied,
                        "{}: answers with the certificate of node \"{}\", which is for {}, not for "
                        "{}: dial one of these, or give the node a certificate that names {}",
                        what, peer.node, fmt::join(peer.hosts, ", "), trust.host, trust.host);
    case X509_V_ERR_INVALID_PURPOSE:
      return make_error(Code::Denied,
                        "{}: the certificate of \"{}\" is not one of a node; make the node join "
                        "the fleet \"{}\"",
                        what, peer.node, authority.node);
    default:
      return make_error(Code::Denied,
                        "{}: the certificate of \"{}\" is signed by \"{}\" and not by the "
                        "authority of this node's fleet, \"{}\" ({}...): dial a node of that "
                        "fleet, or join the other one ({})",
                        what, peer.node, peer.fleet, authority.node,
                        authority.fingerprint.substr(0, 16), X509_verify_cert_error_string(reason));
  }
}

void expect_host(X509_VERIFY_PARAM* wanted, const std::string& host) {
  if (host.empty()) return;
  if (is_ip_address(host)) {
    VERGE_CHECK(X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1, host);
  } else {
    VERGE_CHECK(X509_VERIFY_PARAM_set1_host(wanted, host.data(), host.size()) == 1, host);
  }
}

}  // namespace

Result<CertificateFacts> read_certificate(std::string_view pem, std::string_view what) {
  VERGE_TRY(const Certificate certificate, openssl::read_x509(pem, what));
  return facts_of(certificate.get());
}

std::string show_time(int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm parts{};
  if (gmtime_r(&time, &parts) == nullptr) return "a time out of range";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min);
}

bool is_ip_address(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

Status check_node_name(std::string_view node) {
  const bool is_right =
      !node.empty() && node.size() <= kMostNodeName && std::ranges::all_of(node, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
      });
  if (is_right) return {};
  return make_error(Code::InvalidArgument,
                    "\"{}\" is no name of a node or fleet; use 1 to {} letters, digits, '.', '_' "
                    "and '-'",
                    node.substr(0, 80), kMostNodeName);
}

Result<CertificateFacts> verify_server(std::string_view chain_pem, const Trust& trust,
                                       std::string_view what) {
  const std::vector<Certificate> chain = chain_of(chain_pem);
  if (chain.empty()) return make_error(Code::Denied, "{}: showed no certificate", what);
  VERGE_TRY(const Certificate authority, openssl::read_x509(trust.authority, "the authority"));
  const CertificateFacts peer = facts_of(chain.front().get());
  const std::unique_ptr<X509_STORE, Freed<X509_STORE_free>> store(X509_STORE_new());
  const std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
  VERGE_CHECK(X509_STORE_add_cert(store.get(), authority.get()) == 1);
  VERGE_CHECK(X509_STORE_CTX_init(context.get(), store.get(), chain.front().get(), nullptr) == 1);
  X509_VERIFY_PARAM* const wanted = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_purpose(wanted, X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set_time(wanted, trust.now_unix_s);
  expect_host(wanted, trust.host);
  if (X509_verify_cert(context.get()) != 1) {
    ERR_clear_error();
    return refusal(X509_STORE_CTX_get_error(context.get()), peer, facts_of(authority.get()), trust,
                   what);
  }
  if (!trust.node.empty() && trust.node != peer.node) {
    return make_error(Code::Denied, "{}: is node \"{}\", not \"{}\"; dial the address of that node",
                      what, peer.node, trust.node);
  }
  if (trust.check) VERGE_RETURN_IF_ERROR(trust.check(peer));
  return peer;
}

Result<std::string> find_by_fingerprint(std::string_view chain_pem, std::string_view fingerprint,
                                        std::string_view what) {
  std::string found = "nothing";
  for (const Certificate& certificate : chain_of(chain_pem)) {
    const std::string own = fingerprint_of(certificate.get());
    if (own == fingerprint) return openssl::pem_of(certificate);
    found = own;
  }
  return make_error(Code::Denied,
                    "{}: its fleet's authority has the fingerprint {}, the token was made by {}: "
                    "ask for a token of this fleet, or dial the fleet of the token",
                    what, found, fingerprint);
}

}  // namespace verge::net
