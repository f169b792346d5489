#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include <verge/core/checksum.hpp>
#include <verge/core/machine.hpp>
#include <verge/engine/model/adapter_set.hpp>
#include <verge/engine/quant/dequantize.hpp>

namespace verge::model {
namespace {

using format::AdapterFile;
using format::AdapterPair;
using format::StoredTensor;

constexpr int64_t kDefaultRank = 64;
constexpr int64_t kMostAdapters = 4096;
constexpr int64_t kMostRank = 4096;

Result<std::vector<float>> values_of(const StoredTensor& tensor) {
  const AlignedBuffer copy = allocate_aligned(tensor.bytes.size());
  VERGE_RETURN_IF_ERROR(tensor.copy_to({copy.get(), tensor.bytes.size()}));
  std::vector<float> values(static_cast<size_t>(tensor.shape.count()));
  quant::dequantize_row(*tensor.dtype, copy.get(), values.data(), tensor.shape.count());
  return values;
}

std::vector<float> transposed(const std::vector<float>& rows, int64_t count) {
  const size_t n = static_cast<size_t>(count), columns = rows.size() / n;
  std::vector<float> out(rows.size());
  for (size_t r = 0; r < n; ++r) {
    for (size_t c = 0; c < columns; ++c) out[c * n + r] = rows[r * columns + c];
  }
  return out;
}

// Writes values to the first rows of one slot of [slots, rank, columns].
void fill_slot(const TensorView& matrix, int64_t slot, const std::vector<float>& values) {
  const int64_t first = slot * matrix.shape[1] * matrix.shape[2];
  auto* out = matrix.as<std::byte>() + bytes_of(matrix.dtype, first);
  if (matrix.dtype == DType::F32) {
    std::memcpy(out, values.data(), values.size() * sizeof(float));
    return;
  }
  auto* half = reinterpret_cast<uint16_t*>(out);
  const bool is_f16 = matrix.dtype == DType::F16;
  for (const float value : values) *half++ = is_f16 ? f32_to_f16(value) : f32_to_bf16(value);
}

// The 16-bit type that all files hold, else f32.
DType common_type(const std::vector<AdapterFile>& files) {
  std::set<DType> types;
  for (const AdapterFile& file : files) {
    for (const AdapterPair& pair : file.pairs) types.insert({*pair.a.dtype, *pair.b.dtype});
  }
  const bool is_half =
      types.size() == 1 && (*types.begin() == DType::F16 || *types.begin() == DType::BF16);
  return is_half ? *types.begin() : DType::F32;
}

int64_t largest_rank(const std::vector<AdapterFile>& files) {
  int64_t rank = 0;
  for (const AdapterFile& file : files) {
    for (const AdapterPair& pair : file.pairs) rank = std::max(rank, pair.rank());
  }
  return rank;
}

Status check_adapter_options(const LoadOptions& options) {
  const auto within = [](int64_t x, int64_t most) { return x >= 0 && x <= most; };
  const bool is_plain = !options.adapter_dtype || *options.adapter_dtype == DType::F32 ||
                        *options.adapter_dtype == DType::F16 ||
                        *options.adapter_dtype == DType::BF16;
  if (within(options.max_adapters, kMostAdapters) && within(options.adapter_rank, kMostRank) &&
      is_plain) {
    return {};
  }
  return make_error(Code::InvalidArgument,
                    "room for {} adapters of rank {}; give up to {} of rank {}, in f32, f16 or "
                    "bf16",
                    options.max_adapters, options.adapter_rank, kMostAdapters, kMostRank);
}

// Slots, rank and matrices: those of the given adapters, or of any when others may follow.
graph::AdapterLayout layout_of(const graph::Graph& graph, const std::vector<AdapterFile>& files,
                               const LoadOptions& options) {
  graph::AdapterLayout layout;
  const auto given = static_cast<int64_t>(files.size());
  layout.adapters = std::max(given, options.max_adapters);
  layout.dtype = options.adapter_dtype.value_or(common_type(files));
  layout.rank = largest_rank(files);
  if (layout.adapters > given) {
    layout.rank =
        std::max(layout.rank, options.adapter_rank > 0 ? options.adapter_rank : kDefaultRank);
  }
  std::set<std::string> changed;
  for (const AdapterFile& file : files) {
    for (const AdapterPair& pair : file.pairs) changed.insert(pair.weight);
  }
  for (const graph::ValueId weight : graph::adaptable_weights(graph)) {
    const std::string& name = graph.value(weight).name;
    if (layout.adapters > given || changed.contains(name)) layout.weights.push_back(name);
  }
  return layout;
}

Result<std::vector<AdapterFile>> open_files(const format::ModelSource& base,
                                            const LoadOptions& options) {
  VERGE_RETURN_IF_ERROR(check_adapter_options(options));
  std::vector<AdapterFile> files;
  for (const AdapterSpec& spec : options.adapters) {
    VERGE_TRY(AdapterFile file, AdapterFile::open(spec.path, base));
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace

Result<graph::AdapterLayout> plan_adapters(const format::ModelSource& base,
                                           const graph::Graph& graph, const LoadOptions& options) {
  VERGE_TRY(const std::vector<AdapterFile> files, open_files(base, options));
  return layout_of(graph, files, options);
}

int64_t bytes_of_adapters(const graph::Graph& graph, const graph::AdapterLayout& layout) {
  int64_t bytes = 0;
  for (const std::string& name : layout.weights) {
    const Shape weight = graph.bound_shape(graph.value(graph.find(name)).type);
    bytes += bytes_of(layout.dtype, layout.adapters * layout.rank * (weight[0] + weight[1]));
  }
  return bytes;
}

Result<std::unique_ptr<AdapterSet>> AdapterSet::load(const format::ModelSource& base,
                                                     const graph::Graph& graph,
                                                     const LoadOptions& options) {
  VERGE_TRY(const std::vector<AdapterFile> files, open_files(base, options));
  auto set = std::unique_ptr<AdapterSet>(new AdapterSet);
  set->layout_ = layout_of(graph, files, options);
  VERGE_RETURN_IF_ERROR(set->make_room(graph));
  for (size_t i = 0; i < files.size(); ++i) {
    VERGE_RETURN_IF_ERROR(set->check(files[i], options.adapters[i]));
    VERGE_TRY(const int32_t index, set->store(files[i], options.adapters[i]));
    VERGE_CHECK(index == static_cast<int32_t>(i), index, i);
  }
  return set;
}

Status AdapterSet::make_room(const graph::Graph& graph) {
  const auto matrix = [&](int64_t columns) {
    return Shape{layout_.adapters, layout_.rank, columns};
  };
  const int64_t bytes = bytes_of_adapters(graph, layout_);
  if (bytes > available_memory_bytes()) {
    return make_error(Code::OutOfMemory,
                      "room for {} adapters of rank {} takes {} MiB, {} are available; make room "
                      "for fewer",
                      layout_.adapters, layout_.rank, bytes >> 20, available_memory_bytes() >> 20);
  }
  for (const std::string& name : layout_.weights) {
    const Shape weight = graph.bound_shape(graph.value(graph.find(name)).type);
    matrices_.emplace(
        name,
        Matrices{Tensor(layout_.dtype, matrix(weight[1])), Tensor(layout_.dtype, matrix(weight[0])),
                 Tensor(DType::F32, {layout_.adapters}), Tensor(DType::I32, {layout_.adapters})});
  }
  return {};
}

Status AdapterSet::check(const AdapterFile& file, const AdapterSpec& spec) const {
  if (find(spec.name)) {
    return make_error(Code::InvalidArgument, "{}: an adapter named {} is there already; rename it",
                      file.path, spec.name);
  }
  if (static_cast<int64_t>(names_.size()) == layout_.adapters) {
    return make_error(Code::Busy,
                      "{}: all {} places for adapters are taken; load the base with "
                      "more",
                      file.path, layout_.adapters);
  }
  if (!std::isfinite(spec.scale)) {
    return make_error(Code::InvalidArgument, "{}: a scale of {}; give a number", file.path,
                      spec.scale);
  }
  for (const AdapterPair& pair : file.pairs) {
    if (!matrices_.contains(pair.weight)) {
      return make_error(Code::Unsupported,
                        "{}: tensor {} changes {}, which is no linear layer's alone; only those "
                        "can have adapters",
                        file.path, pair.a.name, pair.weight);
    }
    if (pair.rank() > layout_.rank) {
      return make_error(Code::Unsupported,
                        "{}: tensor {} has rank {}, there is room for {}; load the base with room "
                        "for more",
                        file.path, pair.a.name, pair.rank(), layout_.rank);
    }
  }
  return {};
}

Result<int32_t> AdapterSet::store(const AdapterFile& file, const AdapterSpec& spec) {
  const auto slot = static_cast<int64_t>(names_.size());
  Checksum sum;
  for (const AdapterPair& pair : file.pairs) {
    VERGE_TRY(const std::vector<float> a, values_of(pair.a));
    VERGE_TRY(const std::vector<float> b, values_of(pair.b));
    const float scale = static_cast<float>(pair.scale * double{spec.scale});
    Matrices& to = matrices_.at(pair.weight);
    fill_slot(to.a.view(), slot, a);
    fill_slot(to.b.view(), slot, transposed(b, pair.b.shape[0]));
    to.scales.span<float>()[static_cast<size_t>(slot)] = scale;
    to.ranks.span<int32_t>()[static_cast<size_t>(slot)] = static_cast<int32_t>(pair.rank());
    sum.add(std::as_bytes(std::span(pair.weight)));
    sum.add(std::as_bytes(std::span(&scale, 1)));
    sum.add(std::as_bytes(std::span(a)));
    sum.add(std::as_bytes(std::span(b)));
  }
  names_.push_back(spec.name);
  identities_.push_back(fmt::format("{:016x}", sum.value()));
  return static_cast<int32_t>(slot);
}

Result<int32_t> AdapterSet::add(const AdapterSpec& spec, const format::ModelSource& base) {
  VERGE_TRY(const AdapterFile file, AdapterFile::open(spec.path, base));
  VERGE_RETURN_IF_ERROR(check(file, spec));
  return store(file, spec);
}

std::optional<int32_t> AdapterSet::find(std::string_view name) const {
  const auto found = std::ranges::find(names_, name);
  if (found == names_.end()) return std::nullopt;
  return static_cast<int32_t>(found - names_.begin());
}

void AdapterSet::add_to(runtime::WeightStore& weights) const {
  for (const auto& [name, m] : matrices_) {
    weights.add(name + ".lora_a", m.a.view(), nullptr);
    weights.add(name + ".lora_b", m.b.view(), nullptr);
    weights.add(name + ".lora_scales", m.scales.view(), nullptr);
    weights.add(name + ".lora_ranks", m.ranks.view(), nullptr);
  }
}

}  // namespace verge::model
