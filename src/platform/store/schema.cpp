#include <verge/platform/store/schema.hpp>

namespace verge::store {
namespace {

constexpr int64_t kVersion = 1;

constexpr const char* kTables = R"(
  CREATE TABLE artifact (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    created_s INTEGER NOT NULL DEFAULT (unixepoch()),
    facts TEXT NOT NULL,
    UNIQUE (kind, name)
  ) STRICT;
  CREATE TABLE file (
    artifact INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (artifact, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX file_digest ON file (digest);
  CREATE TABLE lineage (
    artifact INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
    relation TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (artifact, relation, source)
  ) STRICT, WITHOUT ROWID;
)";
constexpr const char* kStore = "the model store";

Result<bool> has_tables(const Database& database, std::string_view what, int64_t version) {
  VERGE_TRY(Statement statement, database.prepare("PRAGMA user_version"));
  VERGE_TRY(const bool row, statement.step());
  const int64_t found = row ? statement.number(0) : 0;
  if (found <= version) return found == version;
  return make_error(Code::Unsupported, "{} has version {}, this verge knows {}; use a newer verge",
                    what, found, version);
}

}  // namespace

Status apply_tables(const Database& database, std::string_view what, int64_t version,
                    const char* tables) {
  VERGE_TRY(Transaction change, Transaction::begin(database));
  VERGE_TRY(const bool done, has_tables(database, what, version));
  if (!done) {
    VERGE_RETURN_IF_ERROR(database.run(tables));
    VERGE_RETURN_IF_ERROR(database.run(fmt::format("PRAGMA user_version = {}", version).c_str()));
  }
  return change.commit();
}

Status apply_schema(const Database& database) {
  return apply_tables(database, kStore, kVersion, kTables);
}

Result<bool> has_schema(const Database& database) {
  return has_tables(database, kStore, kVersion);
}

}  // namespace verge::store
