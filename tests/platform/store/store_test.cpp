#include <filesystem>
#include <thread>

#include <child_process.hpp>
#include <gtest/gtest.h>
#include <small_disk.hpp>
#include <temporary_folder.hpp>

#include <verge/core/file.hpp>
#include <verge/platform/store/database.hpp>
#include <verge/platform/store/sha256.hpp>
#include <verge/platform/store/store.hpp>

namespace verge::store {
namespace {

namespace fs = std::filesystem;

class StoreTest : public testing::Test {
 protected:
  Store open() {
    auto store = Store::open(root_);
    EXPECT_TRUE(store) << store.error().message;
    return std::move(store).value();
  }
  static NewArtifact model(const std::string& name, const std::string& path) {
    return {.kind = "model", .name = name, .files = {{"", path}}, .origins = {{"import", path}}};
  }
  std::vector<std::string> names() {
    const std::vector<Artifact> all = open().list("model")->sound;
    std::vector<std::string> names;
    for (const Artifact& artifact : all) names.push_back(artifact.name);
    return names;
  }
  // No name without its whole content; what has no name may wait for the next sweep.
  void expect_sound() {
    Store store = open();
    const std::vector<Artifact> all = store.list("model")->sound;
    for (const Artifact& artifact : all) {
      const Status status = store.verify(artifact);
      EXPECT_TRUE(status) << status.error().message;
    }
  }
  size_t objects() {
    size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root_ + "/objects")) {
      count += entry.is_regular_file() ? 1 : 0;
    }
    return count;
  }

  using Names = std::vector<std::string>;
  test::TemporaryFolder folder_;
  std::string root_ = folder_ / "deep/root";
};

TEST_F(StoreTest, KeepsFindsAndFreesByName) {
  const std::string file = folder_.add("m.gguf", "weights");
  EXPECT_EQ(names(), Names{});
  EXPECT_FALSE(fs::exists(root_));  // looking makes nothing
  NewArtifact wanted = model("b", file);
  wanted.facts = R"({"context":7})";
  Store store = open();
  const auto added = store.add(wanted);
  ASSERT_TRUE(added) << added.error().message;
  ASSERT_TRUE(store.add(model("a", file)));
  const auto found = open().find("model", "b");
  EXPECT_EQ(found->digest, sha256("weights"));
  EXPECT_EQ(found->bytes, 7);
  EXPECT_EQ(found->facts, wanted.facts);
  EXPECT_EQ(found->origins.at(0).source, file);
  EXPECT_GT(found->created_s, 1'700'000'000);
  EXPECT_EQ(read_whole_file(store.path(*found).value(), 99).value(), "weights");
  EXPECT_EQ(names(), (Names{"a", "b"}));
  EXPECT_EQ(store.remove("model", "a").value(), 0);  // "b" still has the content
  EXPECT_EQ(store.remove("model", "b").value(), 7);
  EXPECT_EQ(objects(), 0u);
}

TEST_F(StoreTest, OneNameHasOneContent) {
  const std::string one = folder_.add("1", "one"), two = folder_.add("2", "two");
  Store store = open();
  EXPECT_FALSE(store.add(model("m", one))->was_there);
  EXPECT_TRUE(store.add(model("m", one))->was_there);
  EXPECT_EQ(store.add(model("m", two)).error().code, Code::Conflict);
  EXPECT_EQ(store.add(model("m", folder_.add("3", "three"))).error().code, Code::Conflict);
  EXPECT_EQ(store.add(model("../m", one)).error().code, Code::InvalidArgument);
  for (const char* bad : {"", "-m", ".m", "a/b", "a b", "\xc3\xa9"}) {
    EXPECT_FALSE(check_name(bad)) << bad;
  }
  expect_sound();
}

TEST_F(StoreTest, AnUnknownNameTellsTheNearest) {
  Store store = open();
  EXPECT_NE(store.find("model", "x").error().message.find("empty"), std::string::npos);
  ASSERT_TRUE(store.add(model("verge-lm", folder_.add("1", "one"))));
  EXPECT_EQ(store.find("model", "vergelm").error().message,
            "vergelm: no stored model has this name; near it: verge-lm");
  EXPECT_EQ(store.find("model", "qwen").error().message,
            "qwen: no stored model has this name; there are verge-lm");
}

TEST_F(StoreTest, SeveralFilesAreAFolder) {
  folder_.add("c", "{}");
  folder_.add("w", "weights");
  Store store = open();
  const NewArtifact wanted = {.kind = "model",
                              .name = "hf",
                              .files = {{"w.bin", folder_ / "w"}, {"c.json", folder_ / "c"}}};
  const auto added = store.add(wanted);
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(added->artifact.digest,
            sha256(sha256("{}") + "  c.json\n" + sha256("weights") + "  w.bin\n"));
  const std::string path = store.path(added->artifact).value();
  EXPECT_EQ(fs::path(path).filename(), "hf");
  EXPECT_EQ(read_whole_file(path + "/w.bin", 99).value(), "weights");
  ASSERT_TRUE(store.copy_to(folder_ / "out", added->artifact));
  EXPECT_EQ(read_whole_file(folder_ / "out/c.json", 99).value(), "{}");
  EXPECT_EQ(store.copy_to(folder_ / "out", added->artifact).error().code, Code::Conflict);
  fs::remove(path + "/w.bin");
  EXPECT_NE(store.path(added->artifact).error().message.find("w.bin is missing"),
            std::string::npos);
  EXPECT_TRUE(store.add(wanted)->was_there);  // mends it
  EXPECT_TRUE(store.path(added->artifact));
  EXPECT_EQ(store.remove("model", "hf").value(), 9);
  EXPECT_TRUE(fs::is_empty(root_ + "/folders"));
}

TEST_F(StoreTest, AnAlteredFileIsFoundAndNeverExported) {
  Store store = open();
  const Artifact artifact = store.add(model("m", folder_.add("1", "one")))->artifact;
  const std::string path = store.path(artifact).value();
  fs::permissions(path, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(path) << "onE";
  EXPECT_EQ(store.verify(artifact).error().code, Code::Malformed);
  EXPECT_EQ(store.copy_to(folder_ / "out", artifact).error().code, Code::Malformed);
  EXPECT_FALSE(fs::exists(folder_ / "out"));
  std::ofstream(path) << "one!";
  EXPECT_NE(store.path(artifact).error().message.find("has 4 bytes"), std::string::npos);
  EXPECT_TRUE(store.add(model("m", folder_ / "1"))->was_there);  // mends it
  EXPECT_TRUE(store.verify(artifact));
}

TEST_F(StoreTest, ManyProcessesImportAtOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) folder_.add(std::to_string(i), std::string(200'000, char('a' + i)));
  for (int i = 0; i < 4; ++i) {
    children.push_back(test::start_child([&] {
      auto store = Store::open(root_);
      if (!store) return 1;
      for (int n = 0; n < 5; ++n) {
        const std::string own = std::to_string(i) + "." + std::to_string(n);
        if (!store->add(model("common", folder_ / "0"))) return 2;
        if (!store->add(model(own, folder_ / std::to_string(i)))) return 3;
        if (n % 2 == 1 && !store->remove("model", own)) return 4;
      }
      return 0;
    }));
  }
  for (pid_t child : children) EXPECT_EQ(test::wait_child(child), 0);
  EXPECT_EQ(names().size(), 1u + 4 * 3);
  EXPECT_EQ(objects(), 4u);
  expect_sound();
}

TEST_F(StoreTest, KilledInTheMiddleItIsAsBefore) {
  const std::string file = folder_.add("big", std::string(8 << 20, 'z'));
  ASSERT_TRUE(open().add(model("old", folder_.add("1", "one"))));
  const Watch kill{[](int64_t done, int64_t) {
                     if (done > (4 << 20)) std::raise(SIGKILL);
                   },
                   nullptr};
  EXPECT_EQ(test::in_child([&] { return open().add(model("new", file), kill) ? 0 : 1; }),
            128 + SIGKILL);
  EXPECT_EQ(names(), Names{"old"});
  EXPECT_EQ(objects(), 2u);  // one of them the half copy
  expect_sound();
  ASSERT_TRUE(open().add(model("new", file)));
  EXPECT_EQ(objects(), 2u);  // which the next import took away
}

TEST_F(StoreTest, KilledAnywhereItIsSound) {
  const std::string file = folder_.add("big", std::string(2 << 20, 'z'));
  for (int i = 0; i < 12; ++i) {
    const pid_t child = test::start_child([&] {
      Store store = open();
      for (;;) {
        (void)store.add(model("m", file));
        (void)store.remove("model", "m");
      }
      return 0;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(3 + 7 * i));
    ::kill(child, SIGKILL);
    EXPECT_EQ(test::wait_child(child), 128 + SIGKILL);
    expect_sound();
  }
  Store store = open();
  ASSERT_TRUE(store.add(model("m", file)));
  EXPECT_EQ(objects(), 1u);
}

TEST_F(StoreTest, AFullDiskLeavesWhatWasThere) {
  Store store = open();
  ASSERT_TRUE(store.add(model("old", folder_.add("1", "one"))));
  const std::string big = folder_.add("big", std::string(1 << 20, 'z'));
  {
    const test::SmallDisk disk(1 << 18);
    const auto added = store.add(model("new", big));
    EXPECT_NE(added.error().message.find("disk full"), std::string::npos);
  }
  {
    const test::SmallDisk disk(1 << 12);  // room for the file, none for its name
    const auto added = store.add(model("new", folder_.add("2", "two")));
    EXPECT_NE(added.error().message.find("disk full"), std::string::npos) << added.error().message;
  }
  EXPECT_EQ(names(), Names{"old"});
  expect_sound();
  EXPECT_TRUE(store.add(model("new", big)));
}

TEST_F(StoreTest, AReadOnlyRootCanBeRead) {
  ASSERT_TRUE(open().add(model("m", folder_.add("1", "one"))));
  fs::permissions(folder_.path(), fs::perms(0755));
  for (const char* path : {"", "/objects"}) fs::permissions(root_ + path, fs::perms(0555));
  fs::permissions(root_ + "/store.sqlite", fs::perms(0444));
  const int status = test::in_child([&] {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return 9;  // root may write anywhere
    Store store = open();
    const auto found = store.find("model", "m");
    if (!found || !store.path(*found) || !store.verify(*found)) return 1;
    const auto added = store.add(model("n", folder_ / "1"));
    if (added || added.error().message.find("permission denied to write") == std::string::npos)
      return 2;
    const auto removed = store.remove("model", "m");
    if (removed || removed.error().message.find("permission denied to write") == std::string::npos)
      return 3;
    return 0;
  });
  EXPECT_EQ(status, 0);
  fs::permissions(root_, fs::perms(0755));
  fs::permissions(root_ + "/objects", fs::perms(0755));
}

TEST_F(StoreTest, ADamagedRowIsRefusedNamedRemovedAndHidesNoOther) {
  const std::string row = " WHERE name = 'm'", file = " WHERE artifact = 1";
  const std::pair<std::string, std::string> damages[] = {
      {"UPDATE artifact SET digest = '../../..'" + row, "m"},
      {"UPDATE artifact SET name = '../x'" + row, "../x"},
      {"UPDATE file SET name = '../../x'" + file, "m"},
      {"UPDATE file SET digest = 'a'" + file, "m"}};
  for (const auto& [damage, name] : damages) {
    fs::remove_all(root_);
    ASSERT_TRUE(open().add(model("m", folder_.add("1", "one"))));
    ASSERT_TRUE(open().add(model("sound", folder_.add("2", "two"))));
    {
      auto database = Database::open(root_ + "/store.sqlite", Database::Mode::Existing);
      ASSERT_TRUE(database->prepare(damage)->run());
    }
    EXPECT_EQ(names(), Names{"sound"}) << damage;
    EXPECT_EQ(open().find("model", "sound")->digest, sha256("two")) << damage;
    const auto list = open().list("model");
    ASSERT_EQ(list->damaged.size(), 1u) << damage;
    const auto found = open().find("model", name);
    ASSERT_FALSE(found) << damage;
    EXPECT_EQ(found.error().code, Code::Malformed);
    EXPECT_EQ(found.error().message, list->damaged.front().message);
    EXPECT_NE(found.error().message.find("store.sqlite: the entry of " + name), std::string::npos);
    ASSERT_TRUE(open().remove("model", name)) << damage;
    EXPECT_TRUE(open().list("model")->damaged.empty());
    EXPECT_TRUE(open().add(model("m", folder_ / "1"))) << damage;
    expect_sound();
  }
}

TEST_F(StoreTest, ADamagedDatabaseIsNamed) {
  fs::create_directories(root_);
  folder_.add("deep/root/store.sqlite", std::string(5000, 'x'));
  const auto store = Store::open(root_);
  EXPECT_EQ(store.error().code, Code::Malformed) << store.error().message;
  EXPECT_NE(store.error().message.find("store.sqlite"), std::string::npos);
}

}  // namespace
}  // namespace verge::store
