#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/platform/fleet/node_book.hpp>

namespace verge::fleet {
namespace {

KnownNode known(const std::string& name) {
  return {.capability = {.node = name,
                         .software = "0.1.0",
                         .role = Role::Device,
                         .cores = 2,
                         .isa = "neon",
                         .memory_bytes = 1 << 30,
                         .read_gb_s = 8.25,
                         .f32_gflops = 20,
                         .bf16_gflops = 0,
                         .int8_gops = 41},
          .address = "10.0.0.7:7443",
          .fingerprint = "ab12",
          .seen_unix_s = 100,
          .link = LinkReport{.round_trip_s = 0.02, .up_bytes_per_s = 1e6, .down_bytes_per_s = 2e6}};
}

TEST(NodeBook, KnowsWhomItMetWhenItIsOpenedAgain) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "node.sqlite";
  {
    auto book = NodeBook::open(path);
    ASSERT_TRUE(book) << book.error().message;
    ASSERT_TRUE(book->met(known("b")) && book->met(known("a")));
  }
  auto book = NodeBook::open(path);
  ASSERT_TRUE(book) << book.error().message;
  const auto nodes = book->nodes();
  ASSERT_TRUE(nodes) << nodes.error().message;
  ASSERT_EQ(nodes->size(), 2u);
  const KnownNode& a = nodes->front();
  EXPECT_EQ(a.capability.node, "a");
  EXPECT_EQ(a.capability.role, Role::Device);
  EXPECT_EQ(a.capability.read_gb_s, 8.25);
  EXPECT_EQ(a.address, "10.0.0.7:7443");
  ASSERT_TRUE(a.link);
  EXPECT_NEAR(a.link->round_trip_s, 0.02, 1e-6);
  EXPECT_EQ(a.link->down_bytes_per_s, 2e6);
}

TEST(NodeBook, ANodeMetAgainWithoutAddressKeepsTheOldOne) {
  const test::TemporaryFolder folder;
  auto book = NodeBook::open(folder / "node.sqlite");
  ASSERT_TRUE(book && book->met(known("a")));
  KnownNode again = known("a");
  again.address.clear();
  again.link.reset();
  again.capability.cores = 8;
  again.seen_unix_s = 200;
  ASSERT_TRUE(book->met(again));
  const auto nodes = book->nodes();
  ASSERT_TRUE(nodes && nodes->size() == 1);
  EXPECT_EQ(nodes->front().address, "10.0.0.7:7443");
  EXPECT_TRUE(nodes->front().link);
  EXPECT_EQ(nodes->front().capability.cores, 8);
  EXPECT_EQ(nodes->front().seen_unix_s, 200);
}

TEST(NodeBook, ForgetsOnlyWhomItKnows) {
  const test::TemporaryFolder folder;
  auto book = NodeBook::open(folder / "node.sqlite");
  ASSERT_TRUE(book && book->met(known("a")));
  EXPECT_EQ(book->forget("b").error().code, Code::NotFound);
  EXPECT_TRUE(book->forget("a"));
  EXPECT_TRUE(book->nodes()->empty());
}

TEST(NodeBook, APauseIsSeenByAnotherProcess) {
  const test::TemporaryFolder folder;
  auto running = NodeBook::open(folder / "node.sqlite");
  auto command = NodeBook::open(folder / "node.sqlite");
  ASSERT_TRUE(running && command);
  EXPECT_EQ(*running->activity(), Activity::Running);
  for (const Activity activity : {Activity::Draining, Activity::Paused, Activity::Running}) {
    ASSERT_TRUE(command->set_activity(activity));
    EXPECT_EQ(*running->activity(), activity) << name(activity);
  }
}

TEST(NodeBook, RemembersWhereTheAuthorityIs) {
  const test::TemporaryFolder folder;
  auto book = NodeBook::open(folder / "node.sqlite");
  ASSERT_TRUE(book);
  EXPECT_EQ(*book->authority(), "");
  ASSERT_TRUE(book->set_authority("a:1") && book->set_authority("b:2"));
  EXPECT_EQ(*NodeBook::open(folder / "node.sqlite")->authority(), "b:2");
}

// Version 1 had neither that table nor anything else that was different.
TEST(NodeBook, AnOlderOneIsTakenOver) {
  const test::TemporaryFolder folder;
  {
    auto book = NodeBook::open(folder / "node.sqlite");
    ASSERT_TRUE(book && book->met(known("a")) && book->set_activity(Activity::Paused));
    auto database = store::Database::open(folder / "node.sqlite", store::Database::Mode::Create);
    ASSERT_TRUE(database && database->run("DROP TABLE authority; PRAGMA user_version = 1"));
  }
  auto book = NodeBook::open(folder / "node.sqlite");
  ASSERT_TRUE(book) << book.error().message;
  EXPECT_EQ(book->nodes()->size(), 1u);
  EXPECT_EQ(*book->activity(), Activity::Paused);
  EXPECT_TRUE(book->set_authority("a:1"));
}

TEST(NodeBook, OneOfANewerVergeIsRefused) {
  const test::TemporaryFolder folder;
  {
    auto database = store::Database::open(folder / "node.sqlite", store::Database::Mode::Create);
    ASSERT_TRUE(database && database->run("PRAGMA user_version = 99"));
  }
  EXPECT_EQ(NodeBook::open(folder / "node.sqlite").error().code, Code::Unsupported);
}

}  // namespace
}  // namespace verge::fleet
