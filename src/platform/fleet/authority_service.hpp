#pragma once
// What a fleet's authority does for its nodes once they have joined, on the channel "authority":
// another certificate before the old one ends, and the list of those that were revoked. Who asks is
// known by the certificate that the channel was opened with.
//
//   at a node: VERGE_TRY(AuthorityNews news, ask_authority(*channel, own.renewal_request(), 10));
//              VERGE_RETURN_IF_ERROR(own.renew(folder, news.certificate));

#include <string>

#include <verge/core/channel.hpp>
#include <verge/platform/net/identity/authority.hpp>
#include <verge/platform/net/identity/token_book.hpp>

namespace verge::fleet {

/// The name of the channel's service.
inline constexpr std::string_view kAuthorityService = "authority";

/// All PEM.
struct AuthorityNews {
  std::string certificate;  // empty where none was asked for
  std::string revocations;
};

/// The list of all that `tokens` says were revoked.
Result<std::string> signed_revocations(const net::Authority& authority, net::TokenBook& tokens,
                                       int64_t now_unix_s);

/// A certificate for the same node, hosts and length of time as `old`, from now on, and noted.
/// Fails as Authority::sign.
Result<std::string> sign_again(const net::CertificateFacts& old, std::string_view request,
                               const net::Authority& authority, net::TokenBook& tokens,
                               int64_t now_unix_s);

/// At the authority: answers one request, and notes the certificate of who asks. A peer that asks
/// wrongly, or was revoked, hears why.
Status answer_node(Channel& channel, const net::CertificateFacts& peer,
                   const net::Authority& authority, net::TokenBook& tokens, int64_t now_unix_s,
                   double timeout_s);

/// `request` for another certificate (PEM); empty: the list alone. Fails as the channel does,
/// Cancelled where no answer comes in time, Denied with the authority's reason.
Result<AuthorityNews> ask_authority(Channel& channel, const std::string& request, double timeout_s);

}  // namespace verge::fleet
