#include <algorithm>

#include <verge/platform/fleet/authority_service.hpp>
#include <verge/platform/fleet/fleet.pb.h>
#include <verge/platform/fleet/node_protocol.hpp>

namespace verge::fleet {
namespace {

constexpr size_t kMostRequestBytes = 1 << 16;

// Those that the authority was asked for; it adds the others itself.
std::vector<std::string> granted_hosts(const net::CertificateFacts& facts) {
  std::vector<std::string> hosts = facts.hosts;
  std::erase_if(hosts, [](const std::string& host) {
    return host == "localhost" || host == "127.0.0.1" || host == "::1";
  });
  return hosts;
}

Message authority_message(MessageKind kind, const google::protobuf::MessageLite& body) {
  return {.kind = kind, .body = body.SerializeAsString()};
}

Result<Message> next_message(Channel& channel, double timeout_s) {
  VERGE_TRY(std::optional<Message> message, channel.receive(timeout_s));
  if (message) return std::move(*message);
  return make_error(Code::Cancelled, "no word of the authority's channel in {} s; try again",
                    timeout_s);
}

Result<std::string> reply_to(const Message& message, const net::CertificateFacts& peer,
                             const net::Authority& authority, net::TokenBook& tokens,
                             int64_t now_unix_s) {
  wire::AuthorityRequest request;
  if (message.kind != kAuthorityRequest || message.body.size() > kMostRequestBytes ||
      !request.ParseFromString(message.body)) {
    return make_error(Code::Malformed, "{} asks the authority for nothing that it knows; update it",
                      peer.node);
  }
  // Certificates of before the book had them are noted here, and revoked if their node was.
  VERGE_RETURN_IF_ERROR(tokens.note_signed(peer));
  wire::AuthorityReply reply;
  if (!request.request().empty()) {
    VERGE_TRY(*reply.mutable_certificate(),
              sign_again(peer, request.request(), authority, tokens, now_unix_s));
  }
  VERGE_TRY(*reply.mutable_revocations(), signed_revocations(authority, tokens, now_unix_s));
  // Looked at last: who is revoked meanwhile takes the certificate that was just noted along.
  VERGE_TRY(const auto revoked,
            net::RevocationList::parse(reply.revocations(), authority.certificate(), "authority"));
  VERGE_RETURN_IF_ERROR(revoked.check(peer));
  return reply.SerializeAsString();
}

}  // namespace

Result<std::string> signed_revocations(const net::Authority& authority, net::TokenBook& tokens,
                                       int64_t now_unix_s) {
  VERGE_TRY(const std::vector<net::Revocation> revoked, tokens.revoked());
  return authority.sign_revocations(revoked, std::ssize(revoked), now_unix_s);
}

Result<std::string> sign_again(const net::CertificateFacts& old, std::string_view request,
                               const net::Authority& authority, net::TokenBook& tokens,
                               int64_t now_unix_s) {
  const int64_t life_s = old.until_unix_s - old.from_unix_s - net::kClockSkew_s;
  VERGE_TRY(std::string certificate,
            authority.sign(request, {.node = old.node,
                                     .hosts = granted_hosts(old),
                                     .from_unix_s = now_unix_s,
                                     .until_unix_s = now_unix_s + life_s}));
  VERGE_TRY(const net::CertificateFacts facts, net::read_certificate(certificate, old.node));
  VERGE_RETURN_IF_ERROR(tokens.note_signed(facts));
  return certificate;
}

Status answer_node(Channel& channel, const net::CertificateFacts& peer,
                   const net::Authority& authority, net::TokenBook& tokens, int64_t now_unix_s,
                   double timeout_s) {
  VERGE_TRY(const Message message, next_message(channel, timeout_s));
  auto reply = reply_to(message, peer, authority, tokens, now_unix_s);
  if (!reply) {
    VERGE_RETURN_IF_ERROR(channel.send(refusal(reply.error().message)));
    return reply.error();
  }
  return channel.send({.kind = kAuthorityReply, .body = std::move(*reply)});
}

Result<AuthorityNews> ask_authority(Channel& channel, const std::string& request,
                                    double timeout_s) {
  wire::AuthorityRequest question;
  question.set_request(request);
  VERGE_RETURN_IF_ERROR(channel.send(authority_message(kAuthorityRequest, question)));
  VERGE_TRY(const Message message, next_message(channel, timeout_s));
  wire::Refusal refused;
  if (message.kind == kRefusal && refused.ParseFromString(message.body)) {
    return Error{Code::Denied, refused.reason().substr(0, 500)};
  }
  wire::AuthorityReply reply;
  if (message.kind != kAuthorityReply || !reply.ParseFromString(message.body)) {
    return make_error(Code::Malformed, "the authority answers what cannot be read; update it");
  }
  return AuthorityNews{reply.certificate(), reply.revocations()};
}

}  // namespace verge::fleet
