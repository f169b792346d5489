#include <command_line.hpp>
#include <temporary_folder.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/config_file.hpp>

namespace verge::cli {
namespace {

using test::expect_refused;
using test::run_verge;

class ConfigFileTest : public testing::Test {
 protected:
  test::Ran run(const std::string& toml, std::vector<std::string> arguments) {
    folder_.add("config.toml", toml);
    arguments.insert(arguments.begin(), {"--config", path_});
    return run_verge(std::move(arguments));
  }
  // The value and origin of one key.
  std::string show(const std::string& toml, const std::string& table, const std::string& key) {
    const test::Ran ran = run(toml, {"config", "show", "--json"});
    EXPECT_EQ(ran.status, 0) << ran.err;
    const auto settings = nlohmann::json::parse(ran.out)["settings"];
    for (const auto& setting : settings) {
      if (setting["table"] != table || setting["key"] != key) continue;
      return setting["value"].get<std::string>() + " from " + setting["origin"].get<std::string>();
    }
    return "no such key";
  }

  test::TemporaryFolder folder_;
  const std::string path_ = folder_ / "config.toml";
};

TEST_F(ConfigFileTest, ValuesAreTomlAndTheirOriginIsTold) {
  const std::string toml =
      "# mine\n[run]\ntemp = 0.25\ntokens = 0x10\njson = true\nprompt = \"\"\"\ntwo\nlines\"\"\"\n"
      "[model.list]\nnames = true\n";
  EXPECT_EQ(show(toml, "run", "temp"), "0.25 from " + path_ + ":3");
  EXPECT_EQ(show(toml, "run", "tokens"), "16 from " + path_ + ":4");
  EXPECT_EQ(show(toml, "run", "json"), "true from " + path_ + ":5");
  EXPECT_EQ(show(toml, "run", "prompt"), R"("two\nlines" from )" + path_ + ":6");
  EXPECT_EQ(show(toml, "model.list", "names"), "true from " + path_ + ":10");
  EXPECT_EQ(show(toml, "model.list", "json"), "false from default");
  EXPECT_EQ(show(toml, "chat", "json"), "false from default");
}

TEST_F(ConfigFileTest, TheEnvironmentIsStrongerThanTheFileAndTheCommandLineThanBoth) {
  const std::string toml = "[run]\nisa = \"avx2\"\n[config.show]\nchanged = true\n";
  EXPECT_EQ(show(toml, "run", "isa"), "\"avx2\" from " + path_ + ":2");
  ::setenv("VERGE_ISA", "generic", 1);
  EXPECT_EQ(show(toml, "run", "isa"), "\"generic\" from $VERGE_ISA");
  ::unsetenv("VERGE_ISA");
  const std::string all = run(toml, {"config", "show", "--changed=false"}).out;
  EXPECT_NE(all.find("# default"), std::string::npos) << all;
  EXPECT_EQ(run(toml, {"config", "show"}).out.find("# default"), std::string::npos);
}

TEST_F(ConfigFileTest, AFlagHoldsForItsCommandAlone) {
  const std::string toml = "[model.list]\njson = true\n";
  EXPECT_EQ(run(toml, {"model", "list"}).out.front(), '{');
  EXPECT_EQ(run("[run]\njson = true\n", {"model", "list"}).out.front(), 'n');
}

TEST_F(ConfigFileTest, WhatIsShownCanBeReadAgain) {
  const std::string shown = run("[chat]\nsystem = \"say \\\"x\\\"\"\n", {"config", "show"}).out;
  const test::Ran again = run(shown, {"config", "show", "chat"});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_NE(again.out.find(R"(system = "say \"x\"")"), std::string::npos) << again.out;
}

TEST_F(ConfigFileTest, NamesFileLineKeyAndTheNearest) {
  const std::tuple<const char*, int, const char*> cases[] = {
      {"garbage [[[\n", 1, "is no TOML"},
      {"[run]\ntemp = \n", 2, "is no TOML"},
      {"[run]\ntemp = 1\ntemp = 2\n", 3, "is no TOML"},
      {"[run]\n\nbogus = 1\n", 3, "[run] has no key bogus"},
      {"[chat]\nsytem = \"x\"\n", 2, "[chat] has no key sytem; near it: system"},
      {"[model.list]\nname = true\n", 2, "[model.list] has no key name; near it: names"},
      {"[runn]\nx = 1\n", 1, "no command is named runn; near it: run"},
      {"temp = 1\n", 1, "no command is named temp"},
      {"[run]\nhelp = true\n", 2, "[run] has no key help"},
      {"[run]\ntemp = \"hot\"\n", 2, "temp: "},
      {"[run]\ntemp = 1979-05-27\n", 2, "temp: give a string"},
      {"[run]\njson = 1\n", 2, "json: give true or false"},
      {"[run]\ntemp = [1, 2]\n", 2, "temp: "}};
  for (const auto& [toml, line, part] : cases) {
    const test::Ran ran = run(toml, {"model", "list"});
    EXPECT_EQ(ran.status, 2) << toml;
    EXPECT_EQ(ran.err.find("verge: " + path_ + ":" + std::to_string(line) + ": "), 0u) << ran.err;
    EXPECT_NE(ran.err.find(part), std::string::npos) << ran.err;
    EXPECT_EQ(run(toml, {"run", "--help"}).status, 0) << "help helps with a broken file";
  }
  expect_refused(run_verge({"--config", folder_ / "none.toml", "model", "list"}), 2, "none.toml");
}

TEST_F(ConfigFileTest, ARequiredOptionMayStandInTheFile) {
  const test::Ran ran = run("[run]\nMODEL = \"/nonexistent/m.gguf\"\nprompt = \"x\"\n", {"run"});
  expect_refused(ran, 1, "/nonexistent/m.gguf");
}

}  // namespace
}  // namespace verge::cli
