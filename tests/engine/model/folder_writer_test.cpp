#include <filesystem>

#include <shared_data.hpp>
#include <tiny_models.hpp>

#include <verge/engine/format/hf/rope_scaling.hpp>
#include <verge/engine/model/folder_writer.hpp>

namespace verge::model {
namespace {

Status export_folder(const std::string& model, const std::string& folder,
                     std::optional<DType> dtype = {}) {
  ThreadPool pool(1);
  VERGE_TRY(const auto source, format::ModelSource::open(model));
  return write_hf_folder(source, folder, {.dtype = dtype}, pool);
}

std::vector<float> logits(const std::string& path) {
  ThreadPool pool(1);
  const auto model = test::load_model(path, pool, test::all_logits_options());
  const auto tokens = test::random_tokens(40, static_cast<int>(model->config().vocab));
  return test::logits_of(*model, tokens, {40});
}

TEST(FolderWriter, TheFolderAnswersAsTheFileDoes) {
  const test::TemporaryFolder folder;
  for (const char* shape : {"tiny-llama", "tiny-qwen2", "tiny-qwen3"}) {
    const std::string file = test::write_model(folder, test::tiny_spec(shape));
    const std::string copy = folder / shape;
    const Status status = export_folder(file, copy);
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(logits(copy), logits(file)) << shape;
  }
}

TEST(FolderWriter, QuantizedMatricesAreDecoded) {
  const test::TemporaryFolder folder;
  const std::string file = test::write_model(folder, test::tiny_spec("tiny-llama"), DType::Q8_0);
  for (const DType dtype : {DType::F32, DType::F16, DType::BF16}) {
    const std::string copy = folder / std::string(name(dtype));
    const Status status = export_folder(file, copy, dtype);
    ASSERT_TRUE(status) << status.error().message;
    const auto source = format::ModelSource::open(copy);
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_EQ(source->find("blk.0.attn_q.weight")->dtype, dtype);
    EXPECT_EQ(source->find("blk.0.attn_norm.weight")->dtype, DType::F32);
    EXPECT_LT(test::relative_error(logits(copy), logits(file)), 0.06) << name(dtype);
  }
}

TEST(FolderWriter, BiasesOfQueriesKeepTheirPlaces) {
  const test::TemporaryFolder folder;
  const auto spec = test::tiny_spec("tiny-llama");
  std::vector<float> q(spec.heads * spec.head_dim), k(spec.kv_heads * spec.head_dim);
  for (size_t i = 0; i < q.size(); ++i) q[i] = 0.1f * static_cast<float>(i % 17);
  for (size_t i = 0; i < k.size(); ++i) k[i] = 0.1f * static_cast<float>(i % 13);
  const std::string file =
      test::rewrite_model(test::write_model(folder, spec), "-biased", [](format::Metadata&) {},
                          {{"blk.0.attn_q.bias", q}, {"blk.0.attn_k.bias", k}});
  const std::string copy = folder / "biased";
  const Status status = export_folder(file, copy);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(logits(copy), logits(file));
}

TEST(FolderWriter, RefusesHeadsThatDoNotDivideTheRows) {
  const test::TemporaryFolder folder;
  const std::string file = test::rewrite_model(
      test::write_model(folder, test::tiny_spec("tiny-llama")), "-odd",
      [](format::Metadata& metadata) { metadata.set("llama.attention.head_count", 37u); });
  const Status refused = export_folder(file, folder / "odd");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::Malformed) << refused.error().message;
  EXPECT_FALSE(std::filesystem::exists(folder / "odd"));
}

TEST(FolderWriter, TheRotaryScalingComesBack) {
  const test::TemporaryFolder folder;
  const std::string plain = test::write_model(folder, test::tiny_spec("tiny-llama"));
  const auto round_trip = [&](const std::string& file) {
    const std::string copy = file + ".folder";
    const Status status = export_folder(file, copy);
    EXPECT_TRUE(status) << status.error().message;
    EXPECT_EQ(logits(copy), logits(file)) << file;
  };
  round_trip(test::rewrite_model(plain, "-linear", [](format::Metadata& metadata) {
    metadata.set("llama.rope.scaling.type", "linear");
    metadata.set("llama.rope.scaling.factor", 2.5f);
  }));
  round_trip(test::rewrite_model(plain, "-yarn", [](format::Metadata& metadata) {
    metadata.set("llama.rope.scaling.type", "yarn");
    metadata.set("llama.rope.scaling.factor", 4.f);
    metadata.set("llama.rope.scaling.original_context_length", 64u);
  }));
  const auto divisors = format::llama3_divisors({.factor = 8}, 32);
  round_trip(test::rewrite_model(plain, "-llama3", [](format::Metadata&) {},
                                 {{"rope_freqs.weight", divisors}}));
  const auto odd = test::rewrite_model(plain, "-odd", [](format::Metadata&) {},
                                       {{"rope_freqs.weight", std::vector(16, 3.f)}});
  const Status refused = export_folder(odd, folder / "odd");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::Unsupported);
}

TEST(FolderWriter, LeavesNothingBehindAndOverwritesNothing) {
  const test::TemporaryFolder folder;
  const std::string gemma = test::write_model(folder, test::tiny_spec("tiny-gemma2"));
  const Status refused = export_folder(gemma, folder / "gemma");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("gemma2"), std::string::npos);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);

  const std::string llama = test::write_model(folder, test::tiny_spec("tiny-llama"));
  ASSERT_TRUE(export_folder(llama, folder / "llama/"));
  const Status again = export_folder(llama, folder / "llama");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::Conflict);
}

TEST(FolderWriter, ARealModelTellsTheSameStory) {
  const std::string stories = test::shared_data("models/stories260K.gguf");
  if (stories.empty()) GTEST_SKIP() << "no shared data";
  const test::TemporaryFolder folder;
  const Status status = export_folder(stories, folder / "stories");
  ASSERT_TRUE(status) << status.error().message;
  ThreadPool pool(1);
  const auto from_file = test::load_model(stories, pool, test::all_logits_options());
  const auto from_folder = test::load_model(folder / "stories", pool, test::all_logits_options());
  const std::string text = "Once upon a time, Lily found 3 \u00e9clairs.\n\tShe said: \"Wow!\"";
  const auto tokens = from_file->tokenizer().encode(text);
  EXPECT_EQ(from_folder->tokenizer().encode(text), tokens);
  EXPECT_EQ(test::logits_of(*from_folder, tokens, {64}), test::logits_of(*from_file, tokens, {64}));
}

}  // namespace
}  // namespace verge::model
