#pragma once
// TokenBook: the join tokens that an authority gave out, and which certificates it signed and took
// back, in SQLite beside it. It keeps hashes of secrets only.
//
//   VERGE_TRY(TokenBook book, TokenBook::open("fleet/tokens.sqlite"));
//   VERGE_TRY(JoinToken token, book.issue({.node = "edge-1", ...}, authority.fingerprint()));
//   ... VERGE_TRY(Invitation who, book.redeem(token, authority.fingerprint(), now_unix_s));

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <verge/platform/net/identity/authority.hpp>
#include <verge/platform/net/identity/join_token.hpp>
#include <verge/platform/store/database.hpp>

namespace verge::net {

/// Whom a token lets in. The one who gives it out says the names, so that no holder can take those
/// of another node.
struct Invitation {
  std::string node;
  std::vector<std::string> hosts;  // that its certificate will name, beside those of the machine
  int64_t until_unix_s = 0;        // of the token
  int64_t certificate_life_s = 0;  // from joining on
};

/// Threads and processes may use one file together.
class TokenBook {
 public:
  /// Makes the file where there is none. Unsupported for one of a newer Verge.
  static Result<TokenBook> open(const std::string& path);

  TokenBook(TokenBook&& other) noexcept : database_(std::move(other.database_)) {}

  /// A token that is valid once. InvalidArgument as check_grant().
  Result<JoinToken> issue(const Invitation& invitation, std::string_view authority);
  /// Marks it used and says for whom it is. Denied for a token that is of another fleet, not known,
  /// forged, expired or was used; each says so.
  Result<Invitation> redeem(const JoinToken& token, std::string_view authority, int64_t now_unix_s);

  /// A certificate that is older than a revoke() of its node is revoked from then on.
  Status note_signed(const CertificateFacts& facts);
  /// The same for who joined with the token. Denied where the node was revoked since it was used:
  /// then nothing is noted, and the certificate must not be given out.
  Status note_joined(const JoinToken& token, const CertificateFacts& facts);
  /// From now on all certificates of the node that were noted are revoked, those signed before are
  /// once they are noted, and tokens for it that nobody used are expired. How many certificates of
  /// the first kind there were.
  Result<int64_t> revoke(const std::string& node, int64_t now_unix_s);
  /// All so far, oldest first.
  Result<std::vector<Revocation>> revoked();

 private:
  explicit TokenBook(store::Database database) : database_(std::move(database)) {}
  Status note(const CertificateFacts& facts);
  Status revoke_name(const std::string& node, int64_t now_unix_s);

  std::mutex mutex_;
  store::Database database_;
};

}  // namespace verge::net
