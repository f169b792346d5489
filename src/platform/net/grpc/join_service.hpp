#pragma once
// How a node that has a join token gets its certificate: JoinService at the fleet's authority and
// join() at the node.
//
//   VERGE_TRY(auto service, JoinService::start(own, authority, book, calendar, {.port = 7444}));
//   ... at the node: VERGE_TRY(Credentials own, join("home.example:7444", token, now_unix_s));
//       VERGE_RETURN_IF_ERROR(own.save("node"));
//
// TLS with the server's certificate alone: the node knows the authority by the token's fingerprint,
// and sends the token only to whom that authority has signed.

#include <cstdint>
#include <memory>
#include <string>

#include <verge/core/clock.hpp>
#include <verge/platform/net/identity/authority.hpp>
#include <verge/platform/net/identity/token_book.hpp>

namespace verge::net {

struct JoinServiceOptions {
  std::string host = "127.0.0.1";
  int port = 0;       // 0: any that is free
  int node_port = 0;  // where the same machine listens for nodes: they are told; 0: not known
};

class JoinService {
 public:
  /// What it is given must outlive it; `calendar` tells seconds since 1970 (CalendarClock). Io when
  /// the address cannot be had, Denied when the certificate is not valid now.
  static Result<std::unique_ptr<JoinService>> start(const Credentials& own,
                                                    const Authority& authority, TokenBook& book,
                                                    const Clock& calendar,
                                                    const JoinServiceOptions& options);
  /// Ends what is being answered.
  ~JoinService();

  int port() const;

 private:
  struct State;
  explicit JoinService(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A new key and the certificate for it. Denied for a token that is of another fleet, forged,
/// expired or used, and for a server that is not of the token's fleet or host; Io when nothing
/// answers. Should the answer be lost on its way the token is used: ask for another.
/// `node_port` is told where the fleet's authority listens for nodes, 0 where that is not known.
Result<Credentials> join(const std::string& address, const JoinToken& token, int64_t now_unix_s,
                         double timeout_s = 10, int* node_port = nullptr);

}  // namespace verge::net
