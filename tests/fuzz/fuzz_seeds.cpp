// fuzz_seeds FOLDER: small, right files of every binary format, FOLDER/<fuzzer>/x, made of a model
// of random weights; and the chat template and some vocabulary of the shipped model.

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <paths.hpp>

#include <verge/engine/format/gguf/writer.hpp>
#include <verge/engine/format/safetensors/writer.hpp>
#include <verge/engine/model/folder_writer.hpp>
#include <verge/stages/build/random_model/random_model.hpp>

#include "plan_seed.hpp"

namespace {

using namespace verge;
namespace fs = std::filesystem;

void expect(const Status& status) {
  if (status) return;
  std::fprintf(stderr, "fuzz_seeds: %s\n", status.error().message.c_str());
  std::exit(1);
}

std::string file_of(const fs::path& root, const char* fuzzer, const char* name) {
  fs::create_directories(root / fuzzer);
  return (root / fuzzer / name).string();
}

void write(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<long>(bytes.size()));
}

// A model of some kilobytes.
void write_model(const std::string& path, const char* shape, DType dtype) {
  auto spec = build::random_model_spec(shape);
  spec->layers = 1;
  spec->d_model = 32;
  spec->ffn = 32;
  spec->heads = 2;
  spec->kv_heads = 1;
  spec->head_dim = 16;
  spec->dtype = [dtype](std::string_view, const Shape&) { return dtype; };
  ThreadPool pool(1);
  expect(build::write_random_model(*spec, path, pool));
}

std::string in_memory(const auto& writer) {
  std::string out;
  expect(writer.write_to([&](std::span<const std::byte> bytes) -> Status {
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }));
  return out;
}

void write_adapters(const fs::path& root) {
  const std::vector<float> half(2 * 16, 0.5f);
  const auto bytes = std::as_bytes(std::span(half));
  format::Metadata metadata;
  metadata.set("general.architecture", "llama");
  metadata.set("general.type", "adapter");
  metadata.set("adapter.type", "lora");
  metadata.set("adapter.lora.alpha", 4.0f);
  format::GgufWriter gguf(metadata);
  expect(gguf.add("blk.0.attn_q.weight.lora_a", DType::F32, {2, 16}, bytes));
  expect(gguf.add("blk.0.attn_q.weight.lora_b", DType::F32, {16, 2}, bytes));
  write(file_of(root, "adapter_fuzz", "gguf"), in_memory(gguf));
  format::SafetensorsWriter peft;
  const std::string layer = "base_model.model.model.layers.0.self_attn.q_proj.";
  expect(peft.add(layer + "lora_A.weight", DType::F32, {2, 16}, bytes));
  expect(peft.add(layer + "lora_B.weight", DType::F32, {16, 2}, bytes));
  const std::string config = R"({"peft_type":"LORA","r":2,"lora_alpha":4,"bias":"none"})";
  const std::string head = {'P', static_cast<char>(config.size()), '\0'};
  write(file_of(root, "adapter_fuzz", "peft"), head + config + in_memory(peft));
}

void copy(const std::string& from, const std::string& to) {
  fs::copy_file(from, to, fs::copy_options::overwrite_existing);
}

void write_folder(const fs::path& root) {
  const std::string model = file_of(root, "gguf_fuzz", "f32");
  const std::string folder = (root / "folder").string();
  const auto source = format::ModelSource::open(model);
  if (!source) expect(source.error());
  ThreadPool pool(1);
  expect(model::write_hf_folder(*source, folder, {}, pool));
  copy(folder + "/model.safetensors", file_of(root, "safetensors_fuzz", "model"));
  copy(folder + "/config.json", file_of(root, "safetensors_fuzz", "config"));
  copy(folder + "/tokenizer.json", file_of(root, "tokenizer_fuzz", "json"));
  fs::remove_all(folder);
}

void write_texts(const fs::path& root) {
  const auto shipped = format::ModelSource::open(test::source_file("models/verge-lm.gguf"));
  if (!shipped) expect(shipped.error());
  std::string pieces(1, '\1');
  if (const auto tokens = shipped->metadata.get_strings("tokenizer.ggml.tokens")) {
    for (size_t i = 300; i < 340 && i < tokens->size(); ++i)
      pieces += std::string((*tokens)[i]) + "\n";
  }
  write(file_of(root, "tokenizer_fuzz", "pieces"), pieces);
  if (const auto chat = shipped->metadata.get_string("tokenizer.chat_template")) {
    write(file_of(root, "template_fuzz", "shipped"), std::string(*chat));
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return std::fputs("usage: fuzz_seeds FOLDER\n", stderr), 2;
  const fs::path root = arguments[1];
  write_model(file_of(root, "gguf_fuzz", "f32"), "tiny-llama", DType::F32);
  write_model(file_of(root, "gguf_fuzz", "q8_0"), "tiny-gemma3", DType::Q8_0);
  write_folder(root);
  write_adapters(root);
  write_texts(root);
  const std::vector<std::byte> plan = good_plan();
  write(file_of(root, "plan_fuzz", "plan"),
        {reinterpret_cast<const char*>(plan.data()), plan.size()});
  return 0;
}
