// Any bytes as a GGUF file: every getter and tensor may be used after a successful open, and what
// is written again reads the same.

#include <cstdint>
#include <cstdlib>
#include <string>

#include <verge/engine/format/gguf/reader.hpp>
#include <verge/engine/format/gguf/writer.hpp>

namespace {

using namespace verge;
using namespace verge::format;

uint64_t touch(const Metadata& metadata) {
  uint64_t sum = 0;
  for (const Entry& entry : metadata.entries()) {
    sum += entry.value.str().size() + entry.value.type_name().size();
    sum += metadata.get_u32(entry.key).ok() + metadata.get_f32(entry.key).ok();
    sum += metadata.get_bool(entry.key).ok() + metadata.get_string(entry.key).ok();
    sum += metadata.get_array<int32_t>(entry.key).ok() + metadata.get_array<float>(entry.key).ok();
    if (const auto strings = metadata.get_strings(entry.key)) {
      for (std::string_view text : strings.value()) sum += text.empty() ? 0 : text.back();
    }
  }
  return sum;
}

uint64_t touch(std::span<const StoredTensor> tensors) {
  uint64_t sum = 0;
  for (const StoredTensor& tensor : tensors) {
    sum += tensor.view().ok();
    if (!tensor.bytes.empty()) sum += std::to_integer<uint8_t>(tensor.bytes.back());
  }
  return sum;
}

std::string written(const Gguf& file) {
  GgufWriter writer(file.metadata(), file.version());
  for (const StoredTensor& tensor : file.tensors()) {
    if (!writer.add(tensor)) std::abort();
  }
  std::string out;
  const Status status = writer.write_to([&](std::span<const std::byte> bytes) -> Status {
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  });
  if (!status) std::abort();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<Gguf> file = Gguf::parse(std::as_bytes(std::span(data, size)));
  if (!file) return file.error().message.empty() ? -1 : 0;
  volatile uint64_t used = touch(file->metadata()) + touch(file->tensors());
  (void)used;
  if (file->alignment() > 4096) return 0;  // the padding alone would be the work
  const std::string first = written(*file);
  const Result<Gguf> again = Gguf::parse(std::as_bytes(std::span(first)));
  if (!again || written(*again) != first) std::abort();
  return 0;
}
