#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/platform/store/schema.hpp>

namespace verge::store {
namespace {

TEST(Schema, IsMadeOnceAndKnowsItsVersion) {
  const test::TemporaryFolder folder;
  auto database = Database::open(folder / "db", Database::Mode::Create);
  ASSERT_TRUE(database) << database.error().message;
  EXPECT_FALSE(*has_schema(*database));
  EXPECT_TRUE(apply_schema(*database));
  EXPECT_TRUE(apply_schema(*database));
  EXPECT_TRUE(*has_schema(*database));
  ASSERT_TRUE(database->run("PRAGMA user_version = 9"));
  EXPECT_EQ(apply_schema(*database).error().code, Code::Unsupported);
}

TEST(Schema, AnArtifactTakesItsPartsAlong) {
  const test::TemporaryFolder folder;
  auto database = Database::open(folder / "db", Database::Mode::Create);
  ASSERT_TRUE(database && apply_schema(*database));
  ASSERT_TRUE(database->run(
      "INSERT INTO artifact (kind, name, digest, bytes, facts) VALUES ('model','m','d',1,'{}');"
      "INSERT INTO file VALUES (1,'','d',1); INSERT INTO lineage VALUES (1,'import','/x');"
      "DELETE FROM artifact"));
  for (const char* table : {"SELECT * FROM file", "SELECT * FROM lineage"}) {
    auto statement = database->prepare(table);
    EXPECT_FALSE(*statement->step()) << table;
  }
}

}  // namespace
}  // namespace verge::store
