#pragma once
// Database, Statement, Transaction: SQLite with this project's errors. One thread.
//
//   VERGE_TRY(Transaction change, Transaction::begin(database));
//   VERGE_TRY(Statement statement, database.prepare("INSERT INTO t VALUES (?, ?)"));
//   VERGE_RETURN_IF_ERROR(statement.bind("a").bind(1).run());
//   VERGE_RETURN_IF_ERROR(change.commit());

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <verge/core/result.hpp>

struct sqlite3;
struct sqlite3_stmt;

namespace verge::store {

class Statement {
 public:
  /// The next parameter, from the first on. The text is copied.
  Statement& bind(std::string_view text);
  Statement& bind(int64_t number);
  /// The next row: false after the last.
  Result<bool> step();
  /// All of it, rows ignored.
  Status run();
  std::string text(int column) const;
  int64_t number(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;
};

class Database {
 public:
  enum class Mode { Existing, Create };
  /// Read-only where the file is. Waits up to ten seconds for other processes in every call.
  static Result<Database> open(const std::string& path, Mode mode);

  Result<Statement> prepare(std::string_view sql) const;
  /// Statements without parameters and rows.
  Status run(const char* sql) const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::unique_ptr<sqlite3, Close> database_;
};

/// Holds the write lock from begin() on; undone unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(const Database& database);
  ~Transaction();
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;

  Status commit();

 private:
  explicit Transaction(const Database* database) : database_(database) {}
  const Database* database_;
};

}  // namespace verge::store
