#pragma once
// What a certificate says of a node, and whether this node should believe it.
//
//   VERGE_TRY(CertificateFacts peer, verify_server(pem, {.authority = own.authority(),
//       .host = "10.0.0.7", .now_unix_s = now}, "10.0.0.7:7443"));

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::net {

struct CertificateFacts {
  std::string node = {};                // its common name
  std::string fleet = {};               // the common name of the authority that signed it
  std::vector<std::string> hosts = {};  // DNS names and IP addresses it may be dialled by
  int64_t from_unix_s = 0;
  int64_t until_unix_s = 0;
  std::string serial = {};       // hexadecimal
  std::string fingerprint = {};  // SHA-256 of its DER form, 64 hexadecimal digits
};

/// The first certificate in `pem`. Malformed for what is none; `what` names it in the error.
Result<CertificateFacts> read_certificate(std::string_view pem, std::string_view what);

/// "2026-11-29 04:36 UTC".
std::string show_time(int64_t unix_s);

/// IPv4 or IPv6, without brackets.
bool is_ip_address(const std::string& host);

/// Node names are 1 to 64 of A-Z a-z 0-9 . _ -; InvalidArgument for others.
Status check_node_name(std::string_view node);

struct Trust {
  std::string authority = {};  // PEM
  std::string host = {};       // that a server's certificate must name; empty: any
  std::string node = {};       // whose it must be; empty: anybody's
  int64_t now_unix_s = 0;
  /// Of revoked certificates; nothing: none is known of.
  std::function<Status(const CertificateFacts& peer)> check = {};
};

/// The facts of the first certificate in `chain` (PEM), if the authority signed it for a server, it
/// is valid now, it is of the host and node that were meant, and `check` lets it pass. Denied
/// otherwise, with what was
/// found and the remedy.
Result<CertificateFacts> verify_server(std::string_view chain, const Trust& trust,
                                       std::string_view what);

/// The first certificate in `chain` (PEM) with this fingerprint, as PEM. Denied where there is
/// none.
Result<std::string> find_by_fingerprint(std::string_view chain, std::string_view fingerprint,
                                        std::string_view what);

}  // namespace verge::net
