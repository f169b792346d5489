// Any bytes as a safetensors file, and as the config.json of a model folder.

#include <cstdint>
#include <cstdlib>
#include <string>

#include <verge/engine/format/hf/hyper_parameters.hpp>
#include <verge/engine/format/hf/tensors.hpp>
#include <verge/engine/format/safetensors/reader.hpp>

namespace {

using namespace verge;
using namespace verge::format;

// The tensors as those of a small Llama: renamed, widened, interleaved.
void translate(const Safetensors& file) {
  HyperParameters parameters;
  parameters.family = hf_family("llama").value();
  parameters.heads = 2;
  parameters.kv_heads = 1;
  ModelSource source;
  for (const StoredTensor& tensor : file.tensors()) {
    if (!add_hf_tensor(parameters, tensor, source)) continue;
  }
  for (const StoredTensor& tensor : source.tensors()) {
    std::string out(tensor.bytes.size(), '\0');
    if (!tensor.copy_to(std::as_writable_bytes(std::span(out)))) continue;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<Safetensors> file = Safetensors::parse(std::as_bytes(std::span(data, size)));
  if (file) translate(file.value());
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<JsonObject> config = JsonObject::parse(text, "config.json");
  if (config && !read_hyper_parameters(config.value())) return 0;
  return 0;
}
