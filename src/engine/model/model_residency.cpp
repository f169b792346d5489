#include <algorithm>
#include <map>

#include <fcntl.h>

#include <verge/core/descriptor.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/model_residency.hpp>
#include <verge/engine/model/split_facts.hpp>
#include <verge/engine/model/unchanged_file.hpp>

namespace verge::model {
namespace {

using format::ModelSource;
using format::StoredTensor;

bool is_stored(const ModelSource& source, const StoredTensor& tensor) {
  return tensor.dtype && tensor.interleave_heads == 0 && tensor.shape.rank() >= 2 &&
         file_of(source, tensor) != nullptr;
}

Result<runtime::Program> hidden_program(const ModelSource& source,
                                        const runtime::PlanFile& compiled,
                                        const LoadOptions& options,
                                        const graph::AdapterLayout* adapters) {
  VERGE_TRY(const nn::DecoderConfig config, nn::read_config(FileFacts(source)));
  nn::DecoderShape shape = shape_of(compiled);
  shape.layers = options.layers;
  return compile_hidden(source, config, shape, options.isa, compiled.find("prefill")->threads,
                        adapters);
}

}  // namespace

std::shared_ptr<const MappedFile> file_of(const ModelSource& source, const StoredTensor& tensor) {
  for (const auto& file : source.files) {
    const std::byte *begin = file->bytes().data(), *bytes = tensor.bytes.data();
    if (bytes >= begin && bytes < begin + file->size()) return file;
  }
  return nullptr;
}

std::vector<const runtime::Program*> programs_of(const runtime::PlanFile& compiled) {
  std::vector<const runtime::Program*> programs;
  for (const auto& [name, program] : compiled.programs) programs.push_back(&program);
  return programs;
}

Result<runtime::Residency> model_residency(const ModelSource& source,
                                           const runtime::PlanFile& compiled,
                                           const LoadOptions& options,
                                           const graph::AdapterLayout* adapters) {
  const auto plan = [&](int64_t later_bytes) {
    return runtime::plan_residency(
        programs_of(compiled), options.memory_bytes,
        {.process_bytes = options.process_bytes, .later_bytes = later_bytes},
        [&](std::string_view name) {
          const StoredTensor* tensor = source.find(name);
          return tensor != nullptr && is_stored(source, *tensor);
        });
  };
  auto residency = plan(0);
  if (!residency) {
    return make_error(residency.error().code, "{}: {}", source.path, residency.error().message);
  }
  if (!options.embeds) return residency;
  VERGE_TRY(const runtime::Program hidden, hidden_program(source, compiled, options, adapters));
  auto roomy = residency;
  // A table that is read by rows for the room's sake takes room for them, too.
  for (int64_t bytes = 0;
       (bytes = runtime::added_bytes(hidden, &*roomy)) > roomy->fixed.later_bytes;) {
    roomy = plan(bytes);
    if (!roomy) return residency;
  }
  return roomy;
}

Status set_places(const ModelSource& source, nn::LayerSpan layers, runtime::WeightStore& weights) {
  std::map<const MappedFile*, std::shared_ptr<const RangeReader>> files;
  for (const StoredTensor* stored : tensors_of(source, layers)) {
    const StoredTensor& tensor = *stored;
    if (!is_stored(source, tensor)) continue;
    const auto mapped = file_of(source, tensor);
    std::shared_ptr<const RangeReader>& file = files[mapped.get()];
    if (file == nullptr) {
      VERGE_TRY(file, open_unchanged(*mapped));
    }
    const auto offset = static_cast<uint64_t>(tensor.bytes.data() - mapped->bytes().data());
    weights.set_place(tensor.name, {file, offset, static_cast<int64_t>(tensor.bytes.size())});
  }
  return {};
}

void drop_cached(const ModelSource& source) {
  for (const auto& file : source.files) {
    const auto opened = open_to_read(file->path());
    if (opened) ::posix_fadvise(opened->descriptor.number(), 0, 0, POSIX_FADV_DONTNEED);
  }
}

Result<double> storage_rate(const ModelSource& source, const Clock& clock) {
  constexpr int64_t kPiece = int64_t{4} << 20, kMost = int64_t{64} << 20;
  const auto largest =
      std::ranges::max_element(source.files, {}, [](const auto& f) { return f->size(); });
  VERGE_TRY(const auto file, DirectFile::open((*largest)->path()));
  const PageBuffer room(RangeReader::room_for(kPiece));
  const int64_t bytes = std::min(kMost, file->size());
  const double begin = clock.seconds();
  for (int64_t at = 0; at < bytes; at += kPiece) {
    const auto offset = static_cast<uint64_t>(file->size() - bytes + at);
    const auto got = file->read(offset, std::min(kPiece, bytes - at), room.span());
    if (!got) return got.error();
  }
  return static_cast<double>(bytes) / std::max(clock.seconds() - begin, 1e-9);
}

}  // namespace verge::model
