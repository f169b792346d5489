#include <filesystem>

#include <gtest/gtest.h>
#include <tiny_model.hpp>

#include <verge/engine/format/safetensors/writer.hpp>
#include <verge/stages/data/model_library/model_library.hpp>

namespace verge::data {
namespace {

TEST(ModelLibrary, ImportsAFileWithItsFacts) {
  const test::TemporaryFolder folder;
  const std::string file = test::tiny_model(folder);
  store::Store store = store::Store::open(folder / "store").value();
  const auto import = import_model(store, {.path = file});
  ASSERT_TRUE(import) << import.error().message;
  EXPECT_EQ(import->artifact.name, "tiny-llama");
  EXPECT_EQ(import->obstacle, "");
  EXPECT_EQ(import->facts.architecture, "llama");
  EXPECT_EQ(import->facts.parameters,
            build::parameter_count(build::random_model_spec("tiny-llama").value()));
  EXPECT_GT(import->facts.context, 0);
  EXPECT_TRUE(format::ModelSource::open(model_path(store, "tiny-llama").value()));
  EXPECT_EQ(model_path(store, file).value(), file);
  EXPECT_EQ(model_path(store, "./none").value(), "./none");  // the reader will say what is wrong
  EXPECT_EQ(model_path(store, "tiny").error().message,
            "tiny: no such file or folder, and no stored model; near it: tiny-llama");
}

TEST(ModelLibrary, ImportsAFolderWithoutItsPickles) {
  const test::TemporaryFolder folder;
  std::filesystem::create_directory(folder / "Hugging Face");
  const std::string path = folder / "Hugging Face";
  folder.add("Hugging Face/config.json", R"({"model_type":"llama","num_hidden_layers":1,
    "hidden_size":2,"intermediate_size":4,"max_position_embeddings":512,"num_attention_heads":1,
    "num_key_value_heads":1,"vocab_size":2,"rms_norm_eps":1e-05,"tie_word_embeddings":true})");
  folder.add("Hugging Face/pytorch_model.bin", "code");
  folder.add("Hugging Face/notes.md", "text");
  const std::vector<float> values(4);
  format::SafetensorsWriter writer;
  ASSERT_TRUE(writer.add("model.embed_tokens.weight", DType::F32, {2, 2},
                         std::as_bytes(std::span(values))));
  ASSERT_TRUE(writer.write(path + "/model.safetensors"));
  store::Store store = store::Store::open(folder / "store").value();
  const auto import = import_model(store, {.path = path + "/"});
  ASSERT_TRUE(import) << import.error().message;
  EXPECT_EQ(import->artifact.name, "Hugging-Face");
  std::vector<std::string> names;
  for (const store::StoredFile& file : import->artifact.files) names.push_back(file.name);
  EXPECT_EQ(names, (std::vector<std::string>{"config.json", "model.safetensors"}));
  const auto source = format::ModelSource::open(model_path(store, "Hugging-Face").value());
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ(source->metadata.get_string("general.name").value(), "Hugging-Face");
}

TEST(ModelLibrary, FactsSurviveTheirJson) {
  const ModelFacts facts = {"GGUF v3", "llama", 7, "q4_K", 4096};
  const ModelFacts back = facts_from_json(to_json(facts));
  EXPECT_EQ(back.format + back.architecture + back.type, "GGUF v3llamaq4_K");
  EXPECT_EQ(back.parameters, 7);
  EXPECT_EQ(back.context, 4096);
  for (const char* bad : {"", "[]", "{", R"({"parameters":"many","type":3})"}) {
    EXPECT_EQ(facts_from_json(bad).parameters, 0) << bad;
    EXPECT_EQ(facts_from_json(bad).type, "") << bad;
  }
}

TEST(ModelLibrary, NamesComeFromFiles) {
  EXPECT_EQ(default_name("/a/Qwen 2.5.gguf"), "Qwen-2.5");
  EXPECT_EQ(default_name("/a/b.bin"), "b.bin");
  EXPECT_EQ(default_name("/a/.hidden.gguf"), "hidden");
  EXPECT_EQ(default_name("/a/" + std::string(300, 'x')).size(), store::kMostNameBytes);
}

}  // namespace
}  // namespace verge::data
