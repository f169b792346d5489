#include <verge/platform/store/database.hpp>
#include <verge/stages/serve/api/access/usage_file.hpp>

namespace verge::serve::api {
namespace {

constexpr int64_t kDayS = 86400;

// The lock is held from the first write to the end.
constexpr const char* kOpening[] = {
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "BEGIN IMMEDIATE",
    "CREATE TABLE IF NOT EXISTS key_usage(id TEXT PRIMARY KEY, tokens INTEGER NOT NULL, "
    "unix_s INTEGER NOT NULL) STRICT",
    "COMMIT"};

Error explained(const std::string& path, const Error& error) {
  if (error.code == Code::Conflict) {
    return make_error(Code::Conflict,
                      "{}: another server keeps the usage of its keys there; give this one a "
                      "--usage FILE of its own, or none",
                      path);
  }
  if (error.code == Code::Malformed) {
    return make_error(
        Code::Malformed,
        "{}: is no file of used tokens, or damaged; move it away, or give --usage FILE", path);
  }
  return make_error(error.code,
                    "{}; the used tokens of keys are kept there: give --usage FILE, or "
                    "--usage none",
                    error.message);
}

}  // namespace

UsageFile::UsageFile(std::unique_ptr<store::Database> database) : database_(std::move(database)) {}
UsageFile::~UsageFile() = default;

Result<std::unique_ptr<UsageFile>> UsageFile::open(const std::string& path) {
  auto database = store::Database::open(path, store::Database::Mode::Create);
  if (!database) return explained(path, database.error());
  for (const char* sql : kOpening) {
    if (const Status status = database->run(sql); !status) return explained(path, status.error());
  }
  return std::unique_ptr<UsageFile>(
      new UsageFile(std::make_unique<store::Database>(std::move(*database))));
}

Result<std::vector<KeyUsage>> UsageFile::load() const {
  VERGE_TRY(auto statement,
            database_->prepare("SELECT id, tokens, unix_s FROM key_usage ORDER BY id"));
  std::vector<KeyUsage> usages;
  while (true) {
    VERGE_TRY(const bool has_row, statement.step());
    if (!has_row) return usages;
    usages.push_back({statement.text(0), statement.number(1), statement.number(2)});
  }
}

Status UsageFile::save(std::span<const KeyUsage> usages, int64_t unix_s) const {
  VERGE_TRY(store::Transaction change, store::Transaction::begin(*database_));
  for (const KeyUsage& usage : usages) {
    VERGE_TRY(auto statement,
              database_->prepare("INSERT OR REPLACE INTO key_usage VALUES (?, ?, ?)"));
    VERGE_RETURN_IF_ERROR(statement.bind(usage.id).bind(usage.tokens).bind(usage.unix_s).run());
  }
  VERGE_TRY(auto old, database_->prepare("DELETE FROM key_usage WHERE unix_s < ?"));
  VERGE_RETURN_IF_ERROR(old.bind(unix_s - kDayS).run());
  return change.commit();
}

}  // namespace verge::serve::api
