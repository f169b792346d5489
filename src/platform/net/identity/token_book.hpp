#pragma once
// TokenBook: the join tokens that an authority gave out, in SQLite beside it. It keeps hashes of
// secrets only.
//
//   VERGE_TRY(TokenBook book, TokenBook::open("fleet/tokens.sqlite"));
//   VERGE_TRY(JoinToken token, book.issue({.node = "edge-1", ...}, authority.fingerprint()));
//   ... VERGE_TRY(Invitation who, book.redeem(token, authority.fingerprint(), now_unix_s));

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

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

 private:
  explicit TokenBook(store::Database database) : database_(std::move(database)) {}

  std::mutex mutex_;
  store::Database database_;
};

}  // namespace verge::net
