#include <algorithm>
#include <cstring>
#include <numeric>

#include <verge/engine/runtime/delta.hpp>

namespace verge::runtime {
namespace {

NamedTensors sorted(NamedTensors tensors) {
  std::ranges::sort(tensors, {}, &NamedTensors::value_type::first);
  return tensors;
}

int64_t bytes_of_all(const NamedTensors& tensors) {
  int64_t bytes = 0;
  for (const auto& [name, view] : tensors) bytes += view.bytes();
  return bytes;
}

// Bytes passed over, of so many passes over a model.
class Passage {
 public:
  Passage(const DeltaWatch& watch, const std::string& path, int64_t all)
      : watch_(watch), path_(path), all_(all) {}

  Status add(int64_t bytes) {
    done_ += bytes;
    if (watch_.progress) watch_.progress(done_, all_);
    if (watch_.cancel == nullptr || !*watch_.cancel) return {};
    return make_error(Code::Cancelled, "{}: cancelled; nothing was written", path_);
  }

 private:
  const DeltaWatch& watch_;
  const std::string& path_;  // of the delta
  const int64_t all_;
  int64_t done_ = 0;
};

class ModelHash {
 public:
  void begin(const std::string& name, const TensorView& view) {
    number(name.size());
    sum_.add(std::as_bytes(std::span(name)));
    number(static_cast<uint32_t>(view.dtype));
    for (int64_t extent : view.shape.extents()) number(extent);
  }
  void add(const std::string& name, const TensorView& view) {
    begin(name, view);
    bytes(stored_bytes(view));
  }
  void bytes(std::span<const std::byte> piece) { sum_.add(piece); }
  uint64_t value() const { return sum_.value(); }

 private:
  template <typename T>
  void number(const T& value) {
    sum_.add(std::as_bytes(std::span(&value, 1)));
  }

  Checksum sum_;
};

std::string form_of(const TensorView& view) {
  return fmt::format("{} {}", name(view.dtype), view.shape.str());
}

Status check_same(const NamedTensors& base, const NamedTensors& now) {
  for (size_t i = 0; i < std::max(base.size(), now.size()); ++i) {
    const bool in_base = i < base.size() && (i >= now.size() || base[i].first <= now[i].first);
    const bool in_now = i < now.size() && (i >= base.size() || now[i].first <= base[i].first);
    if (in_base != in_now) {
      return make_error(
          Code::InvalidArgument, "tensor {} is {} alone; a delta is of one model before and after",
          in_base ? base[i].first : now[i].first, in_base ? "the base's" : "the tuned model's");
    }
    const auto& [name, before] = base[i];
    const TensorView& after = now[i].second;
    if (before.dtype == after.dtype && before.shape == after.shape) continue;
    return make_error(Code::InvalidArgument,
                      "tensor {} is {} in the base, {} in the tuned model; a delta is of one model "
                      "before and after: make both of the same types",
                      name, form_of(before), form_of(after));
  }
  return {};
}

struct Hashes {
  uint64_t base = 0, result = 0;
};

// Of sorted tensors, with what the changes make of them.
Result<Hashes> hashes_of(const NamedTensors& tensors,
                         const std::vector<const TensorDelta*>& changes, const std::string& path,
                         const DeltaWatch& watch) {
  ModelHash base, result;
  Passage passage(watch, path, bytes_of_all(tensors));
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, view] = tensors[i];
    base.add(name, view);
    result.begin(name, view);
    if (const TensorDelta* change = changes[i]; change != nullptr) {
      for_each_merged(view, change->slices, change->values,
                      [&](std::span<const std::byte> piece) { result.bytes(piece); });
    } else {
      result.bytes(stored_bytes(view));
    }
    VERGE_RETURN_IF_ERROR(passage.add(view.bytes()));
  }
  return Hashes{base.value(), result.value()};
}

// Of what a delta without these (version 1) says nothing.
Status check_size(const Delta& delta, const NamedTensors& tensors) {
  const auto bytes = static_cast<uint64_t>(bytes_of_all(tensors));
  const DeltaHead& head = delta.head;
  if (!head.has_size() || (head.tensors == tensors.size() && head.model_bytes == bytes)) return {};
  return make_error(
      Code::Conflict,
      "{}: the model has {} tensors of {} bytes, the base {} of {}; use the base that "
      "the delta was made against",
      delta.path, tensors.size(), bytes, head.tensors, head.model_bytes);
}

// By the order of the names.
Result<std::vector<const TensorDelta*>> find_changes(const Delta& delta,
                                                     const NamedTensors& tensors) {
  std::vector<const TensorDelta*> changes(tensors.size());
  for (const TensorDelta& change : delta.changes) {
    const auto at =
        std::ranges::lower_bound(tensors, change.name, {}, &NamedTensors::value_type::first);
    if (at == tensors.end() || at->first != change.name || !change.fits(at->second)) {
      return make_error(Code::Conflict,
                        "{}: the model has no tensor {} of {} {}; use the base that the delta was "
                        "made against",
                        delta.path, change.name, name(change.dtype), change.shape.str());
    }
    changes[static_cast<size_t>(at - tensors.begin())] = &change;
  }
  return changes;
}

}  // namespace

uint64_t hash_of(const NamedTensors& tensors) {
  ModelHash hash;
  for (const auto& [name, view] : sorted(tensors)) {
    hash.add(name, view);
  }
  return hash.value();
}

Result<DeltaSize> write_delta(const std::string& path, const NamedTensors& base,
                              const NamedTensors& now, std::span<const std::byte> surroundings,
                              const DeltaWatch& watch) {
  const NamedTensors before = sorted(base), after = sorted(now);
  VERGE_RETURN_IF_ERROR(check_same(before, after));
  DeltaSize size{.tensors = after.size(), .model_bytes = bytes_of_all(after)};
  std::vector<ChangedTensor> changes;
  Passage passage(watch, path, size.model_bytes);
  ModelHash base_hash, result_hash;
  for (size_t i = 0; i < after.size(); ++i) {
    const auto& [name, view] = after[i];
    base_hash.add(name, before[i].second);
    result_hash.add(name, view);
    VERGE_RETURN_IF_ERROR(passage.add(view.bytes()));
    auto slices = changed_slices(before[i].second, view);
    if (!slices) continue;
    size.bytes += bytes_of(view, *slices);
    changes.push_back({name, view, std::move(*slices)});
  }
  size.changed = changes.size();
  const DeltaHead head{.base = base_hash.value(),
                       .result = result_hash.value(),
                       .tensors = size.tensors,
                       .model_bytes = static_cast<uint64_t>(size.model_bytes)};
  VERGE_TRY(size.file_bytes, write_delta_file(path, head, changes, surroundings));
  return size;
}

Result<std::vector<const TensorDelta*>> match_delta(const Delta& delta, const NamedTensors& tensors,
                                                    const DeltaWatch& watch) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) -> const std::string& { return tensors[i].first; });
  NamedTensors onto;
  for (const size_t i : order) onto.push_back(tensors[i]);
  VERGE_TRY(const auto found, find_changes(delta, onto));
  VERGE_RETURN_IF_ERROR(check_size(delta, onto));
  VERGE_TRY(const Hashes hashes, hashes_of(onto, found, delta.path, watch));
  if (hashes.base != delta.head.base) {
    return make_error(Code::Conflict,
                      "{}: the model is not the base that the delta was made against: its tensors "
                      "are {:016x}, those of the base {:016x}; use that",
                      delta.path, hashes.base, delta.head.base);
  }
  if (hashes.result != delta.head.result) {
    return make_error(Code::Malformed,
                      "{}: the result is not what the delta promises; make it anew", delta.path);
  }
  std::vector<const TensorDelta*> changes(tensors.size());
  for (size_t i = 0; i < order.size(); ++i) changes[order[i]] = found[i];
  return changes;
}

void apply_change(const TensorDelta& change, const TensorView& tensor) {
  const std::byte* from = change.values.data();
  for_each_piece(tensor, change.slices, [&](int64_t offset, int64_t bytes) {
    std::memcpy(tensor.as<std::byte>() + offset, from, static_cast<size_t>(bytes));
    from += bytes;
  });
}

Result<DeltaSize> apply_delta(const std::string& path, const NamedTensors& tensors) {
  VERGE_TRY(const DeltaFile file, open_delta(path));
  VERGE_TRY(const auto changes, match_delta(file.delta, tensors));
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (changes[i] != nullptr) apply_change(*changes[i], tensors[i].second);
  }
  return size_of(file, tensors);
}

DeltaSize size_of(const DeltaFile& file) {
  DeltaSize size{.changed = file.delta.changes.size(),
                 .tensors = file.delta.head.tensors,
                 .model_bytes = static_cast<int64_t>(file.delta.head.model_bytes),
                 .file_bytes = file.file.size()};
  for (const TensorDelta& change : file.delta.changes) size.bytes += std::ssize(change.values);
  return size;
}

DeltaSize size_of(const DeltaFile& file, const NamedTensors& tensors) {
  DeltaSize size = size_of(file);
  size.tensors = tensors.size();
  size.model_bytes = bytes_of_all(tensors);
  return size;
}

}  // namespace verge::runtime
