#include <filesystem>

#include <verge/platform/store/database.hpp>
#include <verge/stages/serve/api/access/usage_file.hpp>

namespace verge::serve::api {
namespace {

constexpr int64_t kDayS = 86400;

// A server that has the file keeps it: waiting for it would only delay the error.
// The lock is held from the first read to the end.
constexpr const char* kLocking[] = {"PRAGMA busy_timeout = 500", "PRAGMA locking_mode = EXCLUSIVE"};
constexpr const char* kForeignTables =
    "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name <> 'key_usage'";
constexpr const char* kLoad = "SELECT id, tokens, unix_s FROM key_usage ORDER BY id";
constexpr const char* kOpening[] = {
    "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", "BEGIN IMMEDIATE",
    "CREATE TABLE IF NOT EXISTS key_usage(id TEXT PRIMARY KEY, tokens INTEGER NOT NULL, "
    "unix_s INTEGER NOT NULL) STRICT",
    "COMMIT"};

Error not_ours(const std::string& path) {
  return make_error(Code::Malformed,
                    "{}: is no file of used tokens, or damaged; move it away, or give --usage FILE",
                    path);
}

Error explained(const std::string& path, const Error& error) {
  if (error.code == Code::Conflict) {
    return make_error(Code::Conflict,
                      "{}: another server keeps the usage of its keys there; give this one a "
                      "--usage FILE of its own, or none",
                      path);
  }
  if (error.code == Code::Malformed) return not_ours(path);
  return make_error(error.code,
                    "{}; the used tokens of keys are kept there: give --usage FILE, or "
                    "--usage none",
                    error.message);
}

// Before anything is changed in it.
Status refuse_foreign(const std::string& path, const store::Database& database) {
  VERGE_TRY(auto tables, database.prepare(kForeignTables));
  VERGE_TRY(const bool has_row, tables.step());
  if (has_row && tables.number(0) > 0) return not_ours(path);
  return {};
}

Status prepare_file(const std::string& path, const store::Database& database) {
  for (const char* sql : kLocking) VERGE_RETURN_IF_ERROR(database.run(sql));
  VERGE_RETURN_IF_ERROR(refuse_foreign(path, database));
  for (const char* sql : kOpening) VERGE_RETURN_IF_ERROR(database.run(sql));
  if (!database.prepare(kLoad)) return not_ours(path);  // its table has other columns
  return {};
}

Result<std::unique_ptr<store::Database>> open_database(const std::string& path) {
  VERGE_TRY(store::Database database, store::Database::open(path, store::Database::Mode::Create));
  VERGE_RETURN_IF_ERROR(prepare_file(path, database));
  return std::make_unique<store::Database>(std::move(database));
}

}  // namespace

UsageFile::UsageFile(std::string path, std::unique_ptr<store::Database> database)
    : path_(std::move(path)), database_(std::move(database)) {}
UsageFile::~UsageFile() = default;

Result<std::unique_ptr<UsageFile>> UsageFile::open(const std::string& path) {
  auto database = open_database(path);
  if (!database) return explained(path, database.error());
  return std::unique_ptr<UsageFile>(new UsageFile(path, std::move(*database)));
}

Result<std::vector<KeyUsage>> UsageFile::load() const {
  if (database_ == nullptr) return rescued_;
  auto usages = read_all();
  if (!usages) return explained(path_, usages.error());
  return usages;
}

Status UsageFile::save(std::span<const KeyUsage> usages, int64_t unix_s) {
  std::error_code none;
  const bool is_there = database_ != nullptr && std::filesystem::exists(path_, none);
  Status status = is_there ? Status() : make_again(unix_s);
  if (status) status = write(usages, unix_s);
  if (!status) return explained(path_, status.error());
  return {};
}

// The removed file is closed first: SQLite would take the new one's log for its own.
Status UsageFile::make_again(int64_t unix_s) {
  if (database_ != nullptr) {
    VERGE_TRY(rescued_, read_all());
    database_.reset();
  }
  VERGE_TRY(database_, open_database(path_));
  VERGE_RETURN_IF_ERROR(write(rescued_, unix_s));
  rescued_.clear();
  return {};
}

Result<std::vector<KeyUsage>> UsageFile::read_all() const {
  VERGE_TRY(auto statement, database_->prepare(kLoad));
  std::vector<KeyUsage> usages;
  while (true) {
    VERGE_TRY(const bool has_row, statement.step());
    if (!has_row) return usages;
    usages.push_back({statement.text(0), statement.number(1), statement.number(2)});
  }
}

Status UsageFile::write(std::span<const KeyUsage> usages, int64_t unix_s) const {
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
