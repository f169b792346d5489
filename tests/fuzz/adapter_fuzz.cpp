// Any bytes as an adapter of a small base: a GGUF file, or after a first byte 'P' and its length in
// two more, an adapter_config.json and an adapter_model.safetensors. What opens can be read whole.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include <verge/engine/format/adapter/adapter_file.hpp>

namespace {

using namespace verge;
using namespace verge::format;

ModelSource small_base() {
  ModelSource base;
  base.path = "base.gguf";
  base.metadata.set("general.architecture", "llama");
  base.metadata.set("llama.attention.head_count", uint32_t{2});
  base.metadata.set("llama.attention.head_count_kv", uint32_t{1});
  static const std::vector<float> values(16 * 16);
  for (const char* name : {"blk.0.attn_q.weight", "blk.0.ffn_down.weight"}) {
    StoredTensor tensor;
    tensor.name = name;
    tensor.dtype = DType::F32;
    tensor.type_name = "F32";
    tensor.shape = {16, 16};
    tensor.bytes = std::as_bytes(std::span(values));
    if (!base.add(tensor)) __builtin_trap();
  }
  return base;
}

std::string folder() {
  const std::string path = "/dev/shm/adapter_fuzz." + std::to_string(::getpid());
  std::filesystem::create_directories(path);
  static const struct Remove {
    std::string path;
    ~Remove() { std::filesystem::remove_all(path); }
  } remove{path};
  return path;
}

void write(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<long>(bytes.size()));
}

void read_whole(const StoredTensor& tensor) {
  std::string out(tensor.bytes.size(), '\0');
  (void)tensor.copy_to(std::as_writable_bytes(std::span(out)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const ModelSource base = small_base();
  static const std::string kept = folder();
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::string path = kept + "/a.gguf";
  if (size > 3 && data[0] == 'P') {
    const size_t length = std::min<size_t>(data[1] + 256u * data[2], size - 3);
    bytes.remove_prefix(3);
    write(kept + "/adapter_config.json", bytes.substr(0, length));
    write(kept + "/adapter_model.safetensors", bytes.substr(length));
    path = kept;
  } else {
    write(path, bytes);
  }
  const Result<AdapterFile> file = AdapterFile::open(path, base);
  if (!file) return file.error().message.empty() ? -1 : 0;
  for (const AdapterPair& pair : file->pairs) {
    if (pair.rank() < 1) __builtin_trap();
    read_whole(pair.a);
    read_whole(pair.b);
  }
  return 0;
}
