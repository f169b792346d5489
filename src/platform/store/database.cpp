#include <cerrno>

#include <sqlite3.h>

#include <verge/core/descriptor.hpp>
#include <verge/platform/store/database.hpp>

namespace verge::store {
namespace {

constexpr int kBusyMs = 10'000;

Error database_error(sqlite3* database, const std::string& unnamed = "the store's database") {
  const char* name = sqlite3_db_filename(database, "main");
  const std::string path = name != nullptr && *name != '\0' ? name : unnamed;
  const int number = sqlite3_system_errno(database);
  switch (sqlite3_errcode(database)) {
    case SQLITE_BUSY:
      return make_error(Code::Conflict, "{}: another process keeps it locked; try again", path);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return make_error(Code::Malformed, "{}: is damaged; move it away and import the models again",
                        path);
    case SQLITE_FULL:
      return system_error(path, "write", ENOSPC);
    case SQLITE_READONLY:
      return system_error(path, "write", EACCES);
    case SQLITE_CANTOPEN:
      return system_error(path, "open", number != 0 ? number : EACCES);
    case SQLITE_IOERR:
      return system_error(path, "write", number != 0 ? number : EIO);
    default:
      return make_error(Code::Io, "{}: {}", path, sqlite3_errmsg(database));
  }
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void Database::Close::operator()(sqlite3* database) const {
  sqlite3_close(database);
}

Statement& Statement::bind(std::string_view text) {
  const int status = sqlite3_bind_text64(statement_.get(), ++bound_, text.data(), text.size(),
                                         SQLITE_TRANSIENT, SQLITE_UTF8);
  VERGE_CHECK(status == SQLITE_OK, status, bound_);
  return *this;
}

Statement& Statement::bind(int64_t number) {
  const int status = sqlite3_bind_int64(statement_.get(), ++bound_, number);
  VERGE_CHECK(status == SQLITE_OK, status, bound_);
  return *this;
}

Result<bool> Statement::step() {
  const int status = sqlite3_step(statement_.get());
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) return false;
  return database_error(sqlite3_db_handle(statement_.get()));
}

Status Statement::run() {
  for (;;) {
    VERGE_TRY(const bool row, step());
    if (!row) return {};
  }
}

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return bytes == nullptr ? "" : bytes;
}

int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

Result<Database> Database::open(const std::string& path, Mode mode) {
  const int flags = SQLITE_OPEN_READWRITE | (mode == Mode::Create ? SQLITE_OPEN_CREATE : 0);
  sqlite3* handle = nullptr;
  const int status = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database;
  database.database_.reset(handle);
  if (handle == nullptr) return make_error(Code::OutOfMemory, "{}: out of memory", path);
  if (status != SQLITE_OK) return database_error(handle, path);
  sqlite3_busy_timeout(handle, kBusyMs);
  VERGE_RETURN_IF_ERROR(database.run("PRAGMA foreign_keys = ON"));
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int status = sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                        &statement, nullptr);
  if (status != SQLITE_OK) return database_error(database_.get());
  return Statement(statement);
}

Status Database::run(const char* sql) const {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return database_error(database_.get());
}

Result<Transaction> Transaction::begin(const Database& database) {
  VERGE_RETURN_IF_ERROR(database.run("BEGIN IMMEDIATE"));
  return Transaction(&database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) (void)database_->run("ROLLBACK");
}

Status Transaction::commit() {
  VERGE_RETURN_IF_ERROR(database_->run("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace verge::store
