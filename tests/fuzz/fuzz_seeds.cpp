// fuzz_seeds FOLDER: small, right files of every binary format, FOLDER/<fuzzer>/x, made of a model
// of random weights; the chat template and some vocabulary of the shipped model; and a message with
// a tensor in every codec.

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <captured_pictures.hpp>
#include <onnx_cases.hpp>
#include <onnx_writer.hpp>
#include <paths.hpp>

#include <verge/engine/format/gguf/writer.hpp>
#include <verge/engine/format/npy/npy.hpp>
#include <verge/engine/format/safetensors/writer.hpp>
#include <verge/engine/model/folder_writer.hpp>
#include <verge/engine/model/level_file.hpp>
#include <verge/engine/model/model_delta.hpp>
#include <verge/engine/runtime/kernel_choices.hpp>
#include <verge/platform/net/codec/message_codec.hpp>
#include <verge/platform/net/codec/tensor_codec.hpp>
#include <verge/platform/net/grpc/frame.hpp>
#include <verge/platform/net/grpc/resume_protocol.hpp>
#include <verge/stages/build/random_model/random_model.hpp>
#include <verge/stages/serve/collab/protocol.hpp>

#include "delta_seed.hpp"
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

void write_messages(const fs::path& root) {
  const std::vector<float> values(2 * 65, 0.5f);
  Message message{.kind = 3, .body = "body", .tensors = {}};
  for (const std::string_view codec : net::codec_names()) {
    for (const char* suffix : {"", "+zstd"}) {
      auto packed = net::pack(std::string(codec) + suffix, values, {2, 65});
      if (!packed) expect(packed.error());
      message.tensors = {*packed};
      const auto bytes = net::serialize_message(message);
      if (!bytes) expect(bytes.error());
      write(file_of(root, "message_fuzz", (std::string(codec) + suffix).c_str()), *bytes);
    }
  }
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

// As frame_fuzz.cpp reads them: what follows, its bytes (16 bits), then those.
void write_frames(const fs::path& root) {
  const auto piece = [](char kind, const std::string& bytes) {
    return std::string{kind, static_cast<char>(bytes.size()),
                       static_cast<char>(bytes.size() >> 8)} +
           bytes;
  };
  const Message message{
      .kind = 3, .body = "body", .tensors = {{"f16", Shape{2, 3}, std::vector<std::byte>(12)}}};
  const std::string payload = net::serialize_message(message).value();
  const std::string parcel =
      net::serialize_message(net::parcel_of({1, 2}, Channel::Lane::Urgent, 1, message, false))
          .value();
  write(file_of(root, "frame_fuzz", "raw"),
        piece(0, net::hello_frame(1000).SerializeAsString()) +
            piece(0, net::message_frame(1, {payload, 0}).SerializeAsString()));
  write(file_of(root, "frame_fuzz", "whole"), piece(1, payload) + piece(1, payload));
  write(file_of(root, "frame_fuzz", "parcels"), piece(1, parcel) + piece(1, payload));
  write(file_of(root, "frame_fuzz", "resume"),
        piece(1,
              net::serialize_message(net::resume_message({}, std::string(16, 's'), true)).value()));
}

void write_collab(const fs::path& root) {
  const serve::SplitIdentity split = {
      .model_hash = "m", .tokenizer_hash = "t", .exit1 = 2, .exit2 = 4, .layers = 6, .width = 4};
  const PackedTensor states = {"f32", {2, 4}, std::vector<std::byte>(32)};
  const serve::CollabMessage messages[] = {
      serve::HelloMessage{split, {"f32"}, "s"},
      serve::AcceptMessage{"s", 120, 1 << 20, 3, {"f32"}},
      serve::StatesMessage{5, states, 9, {2, 4}},
      serve::FinishMessage{.position = 6, .deadline_s = 1, .branch = {2, 4}},
      serve::TokenMessage{6, 42, -1.5f, 0.01, 0.02, 2},
      serve::NackMessage{2, 4},
      serve::ResumeMessage{1},
      serve::CloseMessage{},
      serve::FailureMessage{{Code::Conflict, "why"}},
      serve::BusyMessage{6, 0.5, 2},
      serve::PromptMessage{{1, 2, 3}, 9},
      serve::TokensMessage{4, {1, 2, 3}, {2, 4}},
  };
  for (const serve::CollabMessage& typed : messages) {
    const Message message = serve::to_message(typed);
    const bool has_states = !message.tensors.empty();
    std::string bytes = {static_cast<char>(message.kind), static_cast<char>(message.body.size()),
                         static_cast<char>(has_states ? 2 : 0), '\4'};
    bytes += message.body;
    if (has_states) bytes.append(32, '\0');
    write(file_of(root, "collab_fuzz", std::to_string(message.kind).c_str()), bytes);
  }
}

// Every kind of file that another program wrote.
void write_pictures(const fs::path& root) {
  for (const auto& entry :
       test::captured_json("tests/engine/format/image/captured_pictures.json")) {
    const std::string name = entry.at("name");
    write(file_of(root, "image_fuzz", name.c_str()), test::base64_bytes(entry.at("file")));
  }
}

// A product, a chain of shapes into a reshape, a convolution and a branch, and each operator.
void write_networks(const fs::path& root) {
  write(file_of(root, "onnx_fuzz", "product"), test::onnx_file(test::small_onnx()));
  using test::onnx_node;
  test::OnnxParts branch, parts;
  branch.nodes = {onnx_node("Relu", {"c"}, {"b"})};
  branch.outputs = {test::onnx_value("b", test::kOnnxFloat, {})};
  parts.nodes = {
      onnx_node("Shape", {"x"}, {"s"}),
      onnx_node("Gather", {"s", "zero"}, {"n"}),
      onnx_node("Unsqueeze", {"n", "axis"}, {"n1"}),
      onnx_node("Concat", {"n1", "rest"}, {"to"}, {test::onnx_integer_attribute("axis", 0)}),
      onnx_node("Reshape", {"x", "to"}, {"r"}),
      onnx_node("Conv", {"r", "w"}, {"c"},
                {test::OnnxMessage().text(1, "pads").text(8, std::string("\1\1\1\1", 4))}),
      onnx_node("Equal", {"n", "zero"}, {"q"}),
      onnx_node("If", {"q"}, {"y"},
                {test::OnnxMessage().text(1, "then_branch").message(6, branch.graph()),
                 test::OnnxMessage().text(1, "else_branch").message(6, branch.graph())})};
  parts.constants = {
      test::onnx_tensor<int64_t>("zero", test::kOnnxInt64, {}, {0}),
      test::onnx_tensor<int64_t>("axis", test::kOnnxInt64, {1}, {0}),
      test::onnx_tensor<int64_t>("rest", test::kOnnxInt64, {3}, {1, 4, -1}),
      test::onnx_tensor<float>("w", test::kOnnxFloat, {2, 1, 3, 3}, std::vector<float>(18, 0.5f))};
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {2, 20})};
  parts.outputs = {test::onnx_value("y", test::kOnnxFloat, {2, 2, 4, 5})};
  write(file_of(root, "onnx_fuzz", "network"), test::onnx_file(parts));
  size_t number = 0;
  for (const auto& entry : test::onnx_cases()) {
    write(file_of(root, "onnx_fuzz", fmt::format("case-{}", number++).c_str()),
          test::onnx_case_file(entry));
  }
  const Tensor array(DType::F32, {2, 3});
  expect(format::write_npy(file_of(root, "npy_fuzz", "array"), array.view()));
}

// A classifier of 8-bit levels.
void write_levels(const fs::path& root) {
  model::LevelFile file{};
  nn::CnnConfig& config = file.network.config;
  config = {.channels = 1, .height = 6, .width = 6, .classes = 3, .stages = {{4}, {4}}};
  const auto graph = nn::build_cnn(config, 1);
  if (!graph) expect(graph.error());
  std::map<std::string, std::vector<float>> values;
  for (const nn::CnnParameter& parameter : nn::cnn_parameters(config)) {
    values[parameter.name].assign(static_cast<size_t>(parameter.shape.count()), 0.25f);
  }
  nn::ValueRanges ranges;
  for (const std::string& name : nn::ranged_values(*graph, "images")) ranges[name] = {-2, 3};
  auto network = nn::to_levels(
      *graph, graph->find("logits"), "images",
      [&](const std::string& name) { return values.at(name); }, ranges);
  if (!network) expect(network.error());
  file.graph = std::move(network->graph);
  file.input = network->input;
  file.scales = std::move(network->scales);
  for (const auto& [name, tensor] : network->weights) file.weights[name] = {tensor.view(), nullptr};
  expect(model::write_level_file(file_of(root, "level_file_fuzz", "levels"), file, {}));
}

// What lies between magic word and checksum of deltas of a row, a whole and channels, with other
// metadata and without.
void write_deltas(const fs::path& root) {
  const std::string base = file_of(root, "delta", "base.safetensors"),
                    tuned = file_of(root, "delta", "tuned.safetensors"),
                    delta = file_of(root, "delta", "delta");
  constexpr size_t kMagic = 8, kChecksum = 8;
  for (const char* note : {"base", "tuned"}) {
    write(base, delta_base(0, "base"));
    write(tuned, delta_base(3, note));
    const auto made = model::diff_models(base, tuned, delta);
    if (!made) expect(made.error());
    std::ifstream file(delta, std::ios::binary);
    const std::string whole{std::istreambuf_iterator<char>(file), {}};
    write(file_of(root, "delta_fuzz", note),
          std::string_view(whole).substr(kMagic, whole.size() - kMagic - kChecksum));
  }
  fs::remove_all(root / "delta");
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return std::fputs("usage: fuzz_seeds FOLDER\n", stderr), 2;
  const fs::path root = arguments[1];
  write_messages(root);
  write_model(file_of(root, "gguf_fuzz", "f32"), "tiny-llama", DType::F32);
  write_model(file_of(root, "gguf_fuzz", "q8_0"), "tiny-gemma3", DType::Q8_0);
  write_folder(root);
  write_adapters(root);
  write_texts(root);
  write_frames(root);
  write_collab(root);
  write_networks(root);
  write_pictures(root);
  write_levels(root);
  write_deltas(root);
  const std::vector<std::byte> plan = good_plan();
  write(file_of(root, "plan_fuzz", "plan"),
        {reinterpret_cast<const char*>(plan.data()), plan.size()});
  runtime::KernelChoices choices;
  choices.add("machine", "conv2d", {{"direct", 2e-3}, {"winograd4", 1e-3}});
  const std::vector<std::byte> content = choices.content();
  write(file_of(root, "kernel_choices_fuzz", "choices"),
        {reinterpret_cast<const char*>(content.data()), content.size()});
  return 0;
}
