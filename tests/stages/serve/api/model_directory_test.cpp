#include <adapters.hpp>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <temporary_folder.hpp>

#include <verge/stages/serve/api/model_directory.hpp>
#include <verge/stages/serve/api/model_facts.hpp>

#include "serving.hpp"

namespace verge::serve::api {
namespace {

class ModelDirectoryTest : public testing::Test {
 protected:
  ModelDirectoryTest() : pool_(models(), clock_, {}), directory_(pool_) {}

  static std::vector<ServedModel> models() {
    ServedModel good, broken;
    good.name = "good";
    good.path = test::repository_model();
    broken.name = "broken";
    broken.path = "/nonexistent.gguf";
    return {good, broken};
  }
  std::string resolved(const std::string& name, const Caller& caller = {}) {
    Problem problem;
    const std::string known = directory_.resolve(name, caller, problem);
    if (problem) {
      EXPECT_EQ(problem.error().status, 404);
    }
    return problem ? "404" : known;
  }

  SystemClock clock_;
  ModelPool pool_;
  ModelDirectory directory_;
};

TEST_F(ModelDirectoryTest, ResolvesNames) {
  EXPECT_EQ(resolved("good"), "good");
  EXPECT_EQ(resolved("good:latest"), "good");
  for (const char* name : {"", "goo", "good:7b", "GOOD", ":latest"}) {
    EXPECT_EQ(resolved(name), "404") << name;
  }
  Caller guest;
  guest.models = {"broken"};
  EXPECT_EQ(resolved("good", guest), "404");
  EXPECT_EQ(directory_.names(guest), std::vector<std::string>{"broken"});
}

TEST(ModelDirectory, AnAdapterIsItselfWithATagToo) {
  const test::TemporaryFolder folder;
  test::random_adapter(test::repository_model(), {.rank = 2}).write_gguf(folder / "sql.gguf");
  ServedModel served;
  served.name = "good";
  served.path = test::repository_model();
  served.load.adapters = {{.name = "sql", .path = folder / "sql.gguf"}};
  const SystemClock clock;
  ModelPool pool({served}, clock, {});
  const ModelDirectory directory(pool);
  Caller guest;
  guest.models = {"good:sql"};
  for (const char* name : {"good:sql", "good:sql:latest"}) {
    Problem problem;
    EXPECT_EQ(directory.resolve(name, guest, problem), "good") << name;
    EXPECT_FALSE(problem);
    EXPECT_EQ(directory.adapter_of(name), "sql") << name;
  }
  EXPECT_EQ(directory.adapter_of("good:latest"), "");
}

TEST_F(ModelDirectoryTest, OpensFilesOnceAndSaysWhatIsWrong) {
  Problem problem;
  const auto entry = directory_.open("good", {}, problem);
  ASSERT_FALSE(problem);
  EXPECT_EQ(entry, directory_.find("good", problem));
  EXPECT_FALSE(entry->prompts.has_own_template());
  EXPECT_EQ(directory_.open("broken", {}, problem), nullptr);
  EXPECT_TRUE(problem);
}

TEST_F(ModelDirectoryTest, FactsAreThoseOfTheFile) {
  Problem problem;
  const ModelFace& face = *directory_.open("good", {}, problem)->face;
  EXPECT_EQ(quantization(face), "Q8_0");
  EXPECT_GT(file_bytes(face), 1'000'000);
  EXPECT_EQ(list_digest(face).size(), 64u);
  EXPECT_EQ(ollama_details(face)["family"], "llama");
  const auto metadata = metadata_json(face);
  EXPECT_EQ(metadata["general.architecture"], "llama");
  EXPECT_EQ(metadata["llama.block_count"], 6);
  EXPECT_FALSE(metadata.contains("tokenizer.ggml.tokens"));
}

}  // namespace
}  // namespace verge::serve::api
