#include <fstream>

#include <verge/engine/model/file_facts.hpp>

#include "tiny_models.hpp"

namespace verge::model {
namespace {

class Loading : public testing::Test {
 protected:
  Error error(const std::string& path, const LoadOptions& options = {}) {
    auto model = LanguageModel::load(path, options, pool_);
    EXPECT_FALSE(model.ok());
    return model.ok() ? Error{} : model.error();
  }
  test::TemporaryFolder folder_;
  ThreadPool pool_{1};
  std::string path_ = test::write_model(folder_, test::tiny_spec("tiny-llama"));
};

TEST_F(Loading, FactsAndVocabularyComeFromTheFile) {
  const auto source = format::ModelSource::open(path_);
  ASSERT_TRUE(source.ok());
  const FileFacts facts(*source);
  EXPECT_EQ(facts.architecture(), "llama");
  EXPECT_EQ(facts.number("llama.block_count"), 2);
  EXPECT_EQ(facts.number("llama.absent"), std::nullopt);
  const auto embedding = facts.tensor("token_embd.weight");
  ASSERT_TRUE(embedding.has_value());
  EXPECT_EQ(embedding->dims, (graph::Dims{512, 96}));
  EXPECT_EQ(facts.tensor_values("output_norm.weight").size(), 96u);
  const auto vocabulary = read_vocabulary(*source);
  ASSERT_TRUE(vocabulary.ok());
  EXPECT_EQ(vocabulary->tokens.size(), 512u);
  EXPECT_EQ(vocabulary->bos, 1);
}

// KiB of a file's mapping that count as this process's memory, or -1 where the system does not say.
int64_t resident_kib(const std::string& path) {
  std::ifstream maps("/proc/self/smaps");
  bool is_ours = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find(path) != std::string::npos) is_ours = true;
    if (is_ours && line.starts_with("Rss:")) return std::stoll(line.substr(4));
  }
  return -1;
}

TEST_F(Loading, NothingOfTheFileStaysResident) {
  const auto model = test::load_model(path_, pool_, {});
  const int64_t resident = resident_kib(path_);
  if (resident < 0) GTEST_SKIP() << "no /proc/self/smaps here";
  EXPECT_EQ(resident, 0);
}

TEST_F(Loading, RefusesWhatCannotBe) {
  LoadOptions options;
  options.context = int64_t{1} << 30;
  EXPECT_EQ(error(path_, options).code, Code::OutOfMemory);
  options.context = -1;
  EXPECT_EQ(error(path_, options).code, Code::InvalidArgument);
  EXPECT_EQ(error(folder_ / "absent").code, Code::NotFound);
  const std::string other = test::rewrite_model(
      path_, "-rwkv", [](auto& metadata) { metadata.set("general.architecture", "rwkv"); });
  EXPECT_EQ(error(other).code, Code::Unsupported);
}

}  // namespace
}  // namespace verge::model
