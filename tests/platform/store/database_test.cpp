#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/platform/store/database.hpp>

namespace verge::store {
namespace {

Result<Database> fresh(const test::TemporaryFolder& folder) {
  VERGE_TRY(Database database, Database::open(folder / "db", Database::Mode::Create));
  VERGE_RETURN_IF_ERROR(database.run("CREATE TABLE t (name TEXT PRIMARY KEY, n INTEGER)"));
  return database;
}

int64_t rows(const Database& database) {
  auto count = database.prepare("SELECT count(*) FROM t");
  EXPECT_TRUE(count && count->step());
  return count->number(0);
}

Status insert(const Database& database, std::string_view name, int64_t number) {
  VERGE_TRY(Statement statement, database.prepare("INSERT INTO t VALUES (?, ?)"));
  return statement.bind(name).bind(number).run();
}

TEST(Database, KeepsWhatIsCommittedAndNothingElse) {
  const test::TemporaryFolder folder;
  {
    auto database = fresh(folder);
    ASSERT_TRUE(database) << database.error().message;
    auto kept = Transaction::begin(*database);
    ASSERT_TRUE(insert(*database, "it's", 7));
    ASSERT_TRUE(kept->commit());
    auto dropped = Transaction::begin(*database);
    ASSERT_TRUE(dropped && insert(*database, "b", 8));
  }
  auto database = Database::open(folder / "db", Database::Mode::Existing);
  ASSERT_TRUE(database) << database.error().message;
  EXPECT_EQ(rows(*database), 1);
  auto statement = database->prepare("SELECT name, n FROM t WHERE n = ?");
  statement->bind(7);
  EXPECT_TRUE(*statement->step());
  EXPECT_EQ(statement->text(0), "it's");
  EXPECT_FALSE(*statement->step());
}

TEST(Database, ErrorsNameTheFile) {
  const test::TemporaryFolder folder;
  auto database = fresh(folder);
  ASSERT_TRUE(insert(*database, "a", 1));
  const Status twice = insert(*database, "a", 2);
  EXPECT_EQ(twice.error().message, folder / "db" + ": UNIQUE constraint failed: t.name");
  const auto none = Database::open(folder / "none", Database::Mode::Existing);
  EXPECT_EQ(none.error().code, Code::NotFound) << none.error().message;
  const auto text =
      Database::open(folder.add("text", std::string(4096, 'x')), Database::Mode::Existing);
  const Status read = text ? text->run("SELECT * FROM sqlite_schema") : text.error();
  EXPECT_EQ(read.error().code, Code::Malformed) << read.error().message;
}

}  // namespace
}  // namespace verge::store
