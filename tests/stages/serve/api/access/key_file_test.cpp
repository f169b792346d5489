#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/stages/serve/api/access/key_file.hpp>

namespace verge::serve::api {
namespace {

std::string add(KeyFile& file, AccessKey settings = {}) {
  auto secret = file.add(std::move(settings));
  EXPECT_TRUE(secret) << secret.error().message;
  return secret ? *secret : "";
}

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(KeyFile, KeepsWhatWasAddedButNotTheKeys) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "keys.json";
  KeyFile file;
  const std::string secret = add(file, {.tenant = "mail",
                                        .priority = 3,
                                        .models = {"a", "b"},
                                        .limits = {.requests_per_minute = 5, .tokens_per_day = 9}});
  ASSERT_TRUE(file.save(path));
  EXPECT_EQ(content(path).find(secret.substr(12)), std::string::npos);
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const auto loaded = KeyFile::load(path);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const AccessKey* key = loaded->find(secret);
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(key->tenant, "mail");
  EXPECT_EQ(key->priority, 3);
  EXPECT_EQ(key->models, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(key->limits, (AccessLimits{.requests_per_minute = 5, .tokens_per_day = 9}));
}

TEST(KeyFile, OnlyTheWholeKeyIsTheKey) {
  KeyFile file;
  const std::string secret = add(file), other = add(file);
  EXPECT_EQ(secret.size(), 3 + 8 + 1 + 43u);
  EXPECT_NE(secret, other);
  EXPECT_NE(file.find(secret), file.find(other));
  EXPECT_EQ(file.find(secret)->tenant, file.find(secret)->id);
  std::string changed = secret;
  changed.back() = changed.back() == 'a' ? 'b' : 'a';
  for (const std::string& wrong : {std::string(), changed, secret + "a", secret.substr(1),
                                   std::string(1'000'000, 'a'), secret + std::string(300, ' ')}) {
    EXPECT_EQ(file.find(wrong), nullptr) << wrong.substr(0, 80);
  }
  EXPECT_EQ(KeyFile().find(secret), nullptr);
}

TEST(KeyFile, RevokedKeysAreGone) {
  KeyFile file;
  const std::string secret = add(file), other = add(file);
  ASSERT_TRUE(file.revoke(file.find(secret)->id));
  EXPECT_EQ(file.find(secret), nullptr);
  EXPECT_NE(file.find(other), nullptr);
  EXPECT_EQ(file.revoke("nobody").error().code, Code::NotFound);
}

TEST(KeyFile, SettingsOutOfRangeAreRefused) {
  KeyFile file;
  EXPECT_FALSE(file.add({.priority = 9}));
  EXPECT_FALSE(file.add({.limits = {.max_concurrent = -1}}));
  EXPECT_TRUE(file.keys().empty());
}

TEST(KeyFile, DamageIsNamed) {
  const std::string salt(64, 'a');
  const std::pair<std::string, std::string> cases[] = {
      {"", "not JSON"},
      {"{}", "salt"},
      {R"({"salt":"short"})", "salt"},
      {R"({"salt":")" + salt + R"(","keys":[{}]})", "keys[0].id"},
      {R"({"salt":")" + salt + R"(","keys":[{"id":"a","hash":"b"}]})", "keys[0].hash"},
      {R"({"salt":")" + salt + R"(","keys":[{"id":"a","hash":")" + salt + R"(","priority":99}]})",
       "keys[0].priority"},
      {R"({"salt":")" + salt + R"(","keys":[{"id":"a","hash":")" + salt +
           R"(","requests_per_minut":1}]})",
       "requests_per_minute"}};
  for (const auto& [text, part] : cases) {
    const auto file = KeyFile::parse(text, "keys.json");
    ASSERT_FALSE(file) << text;
    EXPECT_NE(file.error().message.find("keys.json"), std::string::npos);
    EXPECT_NE(file.error().message.find(part), std::string::npos) << file.error().message;
  }
}

TEST(KeyFile, OthersMustNotWriteIt) {
  const test::TemporaryFolder folder;
  KeyFile file;
  add(file);
  const std::string path = folder / "keys.json";
  ASSERT_TRUE(file.save(path));
  std::filesystem::permissions(path, std::filesystem::perms::others_write,
                               std::filesystem::perm_options::add);
  EXPECT_EQ(KeyFile::load(path).error().code, Code::Denied);
  EXPECT_EQ(KeyFile::load(folder / "none").error().code, Code::NotFound);
}

}  // namespace
}  // namespace verge::serve::api
