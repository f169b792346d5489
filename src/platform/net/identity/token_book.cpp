#include <sodium.h>

#include <verge/platform/net/identity/authority.hpp>
#include <verge/platform/net/identity/token_book.hpp>
#include <verge/platform/store/schema.hpp>

namespace verge::net {
namespace {

constexpr int64_t kBookVersion = 3;

constexpr const char* kTables =
    "CREATE TABLE IF NOT EXISTS token (id TEXT PRIMARY KEY, secret_sha256 TEXT NOT NULL, node TEXT "
    "NOT NULL,"
    " hosts TEXT NOT NULL, until_unix_s INTEGER NOT NULL, life_s INTEGER NOT NULL,"
    " used_unix_s INTEGER NOT NULL DEFAULT 0);"
    // Since version 2: certificates that were signed.
    "CREATE TABLE IF NOT EXISTS certificate (serial TEXT PRIMARY KEY, node TEXT NOT NULL,"
    " revoked_unix_s INTEGER NOT NULL DEFAULT 0);"
    // Since version 3: nodes that were put out, for their certificates that nobody noted.
    "CREATE TABLE IF NOT EXISTS revoked_node (node TEXT PRIMARY KEY, at_unix_s INTEGER NOT NULL)";

// Host names hold no spaces (Authority::sign).
std::string joined_hosts(const std::vector<std::string>& hosts) {
  return fmt::format("{}", fmt::join(hosts, " "));
}

std::vector<std::string> split_hosts(const std::string& text) {
  std::vector<std::string> hosts;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    hosts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return hosts;
}

bool is_same_secret(const std::string& a, const std::string& b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

Error token_denied(const JoinToken& token, std::string_view why) {
  return make_error(Code::Denied, "the join token {}... {}; ask for a new one",
                    token.id.substr(0, 8), why);
}

}  // namespace

Result<TokenBook> TokenBook::open(const std::string& path) {
  VERGE_TRY(store::Database database, store::Database::open(path, store::Database::Mode::Create));
  VERGE_RETURN_IF_ERROR(store::apply_tables(database, path, kBookVersion, kTables));
  return TokenBook(std::move(database));
}

Result<JoinToken> TokenBook::issue(const Invitation& invitation, std::string_view authority) {
  VERGE_RETURN_IF_ERROR(
      check_grant({invitation.node, invitation.hosts, 0, invitation.certificate_life_s}));
  const JoinToken token = JoinToken::make(authority);
  const std::lock_guard lock(mutex_);
  VERGE_TRY(store::Statement statement,
            database_.prepare("INSERT INTO token (id, secret_sha256, node, hosts, until_unix_s, "
                              "life_s) VALUES (?, ?, ?, ?, ?, ?)"));
  VERGE_RETURN_IF_ERROR(statement.bind(token.id)
                            .bind(token.secret_hash())
                            .bind(invitation.node)
                            .bind(joined_hosts(invitation.hosts))
                            .bind(invitation.until_unix_s)
                            .bind(invitation.certificate_life_s)
                            .run());
  return token;
}

Result<Invitation> TokenBook::redeem(const JoinToken& token, std::string_view authority,
                                     int64_t now_unix_s) {
  if (token.authority != authority) return token_denied(token, "is for another fleet");
  const std::lock_guard lock(mutex_);
  VERGE_TRY(store::Transaction change, store::Transaction::begin(database_));
  VERGE_TRY(store::Statement row,
            database_.prepare("SELECT secret_sha256, node, hosts, until_unix_s, life_s, "
                              "used_unix_s FROM token WHERE id = ?"));
  VERGE_TRY(const bool is_known, row.bind(token.id).step());
  if (!is_known || !is_same_secret(row.text(0), token.secret_hash())) {
    return token_denied(token, "was not given out by this fleet");
  }
  const Invitation invitation{row.text(1), split_hosts(row.text(2)), row.number(3), row.number(4)};
  if (row.number(5) != 0) {
    return token_denied(token, fmt::format("was used at {}", show_time(row.number(5))));
  }
  if (now_unix_s > invitation.until_unix_s) {
    return token_denied(token, fmt::format("expired at {}", show_time(invitation.until_unix_s)));
  }
  VERGE_TRY(store::Statement mark,
            database_.prepare("UPDATE token SET used_unix_s = ? WHERE id = ?"));
  VERGE_RETURN_IF_ERROR(mark.bind(now_unix_s).bind(token.id).run());
  VERGE_RETURN_IF_ERROR(change.commit());
  return invitation;
}

// One that was signed before its node was put out is so, too, from then on.
Status TokenBook::note(const CertificateFacts& facts) {
  VERGE_TRY(store::Statement row,
            database_.prepare("INSERT INTO certificate (serial, node, revoked_unix_s) VALUES (?, "
                              "?, IFNULL((SELECT at_unix_s FROM revoked_node WHERE node = ? AND "
                              "at_unix_s > ?), 0)) ON CONFLICT DO NOTHING"));
  return row.bind(facts.serial)
      .bind(facts.node)
      .bind(facts.node)
      .bind(facts.from_unix_s + kClockSkew_s)
      .run();
}

Status TokenBook::note_signed(const CertificateFacts& facts) {
  const std::lock_guard lock(mutex_);
  return note(facts);
}

Status TokenBook::note_joined(const JoinToken& token, const CertificateFacts& facts) {
  const std::lock_guard lock(mutex_);
  VERGE_TRY(store::Transaction change, store::Transaction::begin(database_));
  VERGE_TRY(store::Statement row, database_.prepare("SELECT 1 FROM token WHERE id = ? AND "
                                                    "until_unix_s < used_unix_s"));
  VERGE_TRY(const bool is_revoked, row.bind(token.id).step());
  if (is_revoked) return token_denied(token, "was taken back meanwhile");
  VERGE_RETURN_IF_ERROR(note(facts));
  return change.commit();
}

Result<int64_t> TokenBook::revoke(const std::string& node, int64_t now_unix_s) {
  const std::lock_guard lock(mutex_);
  VERGE_TRY(store::Transaction change, store::Transaction::begin(database_));
  VERGE_RETURN_IF_ERROR(revoke_name(node, now_unix_s));
  VERGE_TRY(store::Statement rows,
            database_.prepare("UPDATE certificate SET revoked_unix_s = ? WHERE node = ? AND "
                              "revoked_unix_s = 0 RETURNING 1"));
  rows.bind(now_unix_s).bind(node);
  int64_t count = 0;
  for (;; ++count) {
    VERGE_TRY(const bool is_row, rows.step());
    if (!is_row) break;
  }
  VERGE_RETURN_IF_ERROR(change.commit());
  return count;
}

// Tokens, and certificates that are not noted. A token that was used ends before its use.
Status TokenBook::revoke_name(const std::string& node, int64_t now_unix_s) {
  VERGE_TRY(store::Statement name,
            database_.prepare("INSERT OR REPLACE INTO revoked_node (node, at_unix_s) VALUES (?, "
                              "?)"));
  VERGE_RETURN_IF_ERROR(name.bind(node).bind(now_unix_s).run());
  VERGE_TRY(store::Statement used,
            database_.prepare("UPDATE token SET until_unix_s = used_unix_s - 1 WHERE node = ? AND "
                              "used_unix_s > 0"));
  VERGE_RETURN_IF_ERROR(used.bind(node).run());
  VERGE_TRY(store::Statement unused,
            database_.prepare("UPDATE token SET until_unix_s = ? WHERE node = ? AND used_unix_s = "
                              "0 AND until_unix_s >= ?"));
  return unused.bind(now_unix_s - 1).bind(node).bind(now_unix_s).run();
}

Result<std::vector<Revocation>> TokenBook::revoked() {
  const std::lock_guard lock(mutex_);
  VERGE_TRY(store::Statement rows,
            database_.prepare("SELECT serial, revoked_unix_s FROM certificate WHERE revoked_unix_s "
                              "> 0 ORDER BY revoked_unix_s, serial"));
  std::vector<Revocation> revoked;
  for (;;) {
    VERGE_TRY(const bool is_row, rows.step());
    if (!is_row) return revoked;
    revoked.push_back({rows.text(0), rows.number(1)});
  }
}

}  // namespace verge::net
