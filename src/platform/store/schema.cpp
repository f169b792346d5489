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
  PRAGMA user_version = 1;
)";

}  // namespace

Result<bool> has_schema(const Database& database) {
  VERGE_TRY(Statement statement, database.prepare("PRAGMA user_version"));
  VERGE_TRY(const bool row, statement.step());
  const int64_t version = row ? statement.number(0) : 0;
  if (version <= kVersion) return version == kVersion;
  return make_error(Code::Unsupported,
                    "the model store has version {}, this verge knows {}; use a newer verge",
                    version, kVersion);
}

Status apply_schema(const Database& database) {
  VERGE_TRY(Transaction change, Transaction::begin(database));
  VERGE_TRY(const bool done, has_schema(database));
  if (!done) VERGE_RETURN_IF_ERROR(database.run(kTables));
  return change.commit();
}

}  // namespace verge::store
