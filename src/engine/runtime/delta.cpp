#include <algorithm>
#include <cstring>

#include <verge/engine/runtime/delta.hpp>

namespace verge::runtime {
namespace {

constexpr std::string_view kDeltaMagic = "VERGEDLT";
constexpr uint32_t kDeltaVersion = 1;

NamedTensors sorted(NamedTensors tensors) {
  std::ranges::sort(tensors, {}, &NamedTensors::value_type::first);
  return tensors;
}

bool same_bytes(const TensorView& a, const TensorView& b) {
  return std::ranges::equal(stored_bytes(a), stored_bytes(b));
}

Status check_same(const NamedTensors& base, const NamedTensors& now) {
  for (size_t i = 0; i < std::max(base.size(), now.size()); ++i) {
    const bool both = i < base.size() && i < now.size();
    if (both && base[i].first == now[i].first && base[i].second.dtype == now[i].second.dtype &&
        base[i].second.shape == now[i].second.shape) {
      continue;
    }
    return make_error(Code::InvalidArgument,
                      "tensor {} is not the base's; a delta is of one model before and after",
                      i < now.size() ? now[i].first : base[i].first);
  }
  return {};
}

struct Change {
  size_t tensor;  // of the sorted ones
  std::span<const std::byte> bytes;
};

struct Delta {
  uint64_t base = 0, result = 0;
  std::vector<Change> changes;
};

Result<Delta> read_delta(const MappedFile& file, const NamedTensors& tensors) {
  VERGE_TRY(const auto content, checked_content(file, kDeltaMagic));
  CheckedReader reader(content);
  if (reader.number<uint32_t>() != kDeltaVersion) {
    return make_error(Code::Unsupported, "{}: a delta of another version; make it anew",
                      file.path());
  }
  Delta delta{reader.number<uint64_t>(), reader.number<uint64_t>(), {}};
  for (auto left = reader.number<uint64_t>(); left > 0 && reader.good(); --left) {
    const TensorHeader header = read_header(reader);
    const auto at =
        std::ranges::lower_bound(tensors, header.name, {}, &NamedTensors::value_type::first);
    if (!reader.good()) break;
    if (at == tensors.end() || at->first != header.name || !header.fits(at->second)) {
      return make_error(Code::Conflict, "{}: the model has no tensor {} of that type and shape",
                        file.path(), header.name);
    }
    const auto bytes = reader.bytes(static_cast<uint64_t>(at->second.bytes()));
    delta.changes.push_back({static_cast<size_t>(at - tensors.begin()), bytes});
  }
  if (!reader.good()) return make_error(Code::Malformed, "{}: the delta is cut off", file.path());
  return delta;
}

// The file's own memory stands for what will be written, so that nothing changes before all is
// known to be right.
uint64_t hash_after(NamedTensors tensors, const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    tensors[change.tensor].second.data = const_cast<std::byte*>(change.bytes.data());
  }
  return hash_of(tensors);
}

}  // namespace

uint64_t hash_of(const NamedTensors& tensors) {
  Checksum sum;
  const auto add = [&](const auto& value) { sum.add(std::as_bytes(std::span(&value, 1))); };
  for (const auto& [name, view] : sorted(tensors)) {
    add(name.size());
    sum.add(std::as_bytes(std::span(name)));
    add(static_cast<uint32_t>(view.dtype));
    for (int64_t extent : view.shape.extents()) add(extent);
    sum.add(stored_bytes(view));
  }
  return sum.value();
}

Result<DeltaSize> write_delta(const std::string& path, const NamedTensors& base,
                              const NamedTensors& now) {
  const NamedTensors before = sorted(base), after = sorted(now);
  VERGE_RETURN_IF_ERROR(check_same(before, after));
  DeltaSize size{.tensors = after.size()};
  std::vector<size_t> changed;
  for (size_t i = 0; i < after.size(); ++i) {
    if (same_bytes(before[i].second, after[i].second)) continue;
    changed.push_back(i);
    size.bytes += after[i].second.bytes();
  }
  size.changed = changed.size();
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  CheckedWriter writer(std::move(file), kDeltaMagic);
  writer.number(kDeltaVersion);
  writer.number(hash_of(before));
  writer.number(hash_of(after));
  writer.number<uint64_t>(changed.size());
  for (size_t i : changed) write_tensor(writer, after[i].first, after[i].second);
  VERGE_RETURN_IF_ERROR(writer.finish());
  return size;
}

Result<DeltaSize> apply_delta(const std::string& path, const NamedTensors& tensors) {
  const NamedTensors onto = sorted(tensors);
  VERGE_TRY(const MappedFile file, MappedFile::open(path));
  VERGE_TRY(const Delta delta, read_delta(file, onto));
  if (hash_of(onto) != delta.base) {
    return make_error(Code::Conflict,
                      "{}: the model is not the base that the delta was made against; use that",
                      path);
  }
  if (hash_after(onto, delta.changes) != delta.result) {
    return make_error(Code::Malformed,
                      "{}: the result is not what the delta promises; make it anew", path);
  }
  DeltaSize size{.changed = delta.changes.size(), .tensors = onto.size()};
  for (const Change& change : delta.changes) {
    std::memcpy(onto[change.tensor].second.data, change.bytes.data(), change.bytes.size());
    size.bytes += static_cast<int64_t>(change.bytes.size());
  }
  return size;
}

}  // namespace verge::runtime
