#include <algorithm>

#include <sys/mman.h>

#include <verge/engine/kernels/packed.hpp>
#include <verge/engine/runtime/residency.hpp>
#include <verge/engine/runtime/store.hpp>

namespace verge::runtime {

WeightStore::WeightStore() = default;
WeightStore::~WeightStore() = default;
WeightStore::WeightStore(WeightStore&&) noexcept = default;

void WeightStore::add(std::string name, TensorView native, std::shared_ptr<const void> owner,
                      Release release) {
  Entry& entry = entries_[std::move(name)];
  entry = Entry{.native = native, .owner = std::move(owner), .release = std::move(release)};
}

void WeightStore::add(std::string name, Tensor tensor) {
  auto owner = std::make_shared<Tensor>(std::move(tensor));
  const TensorView view = owner->view();
  add(name, view, std::move(owner));
  entries_[std::move(name)].owned_bytes = view.bytes();
}

Result<TensorView> WeightStore::native(const std::string& name) const {
  const auto at = entries_.find(name);
  if (at == entries_.end()) {
    return make_error(Code::NotFound, "the model has no tensor {}; the file is incomplete", name);
  }
  return at->second.native;
}

void WeightStore::set_place(const std::string& name, FileRange place) {
  entries_.at(name).place = std::move(place);
}

const FileRange* WeightStore::place(std::string_view name) const {
  const auto at = entries_.find(name);
  return at != entries_.end() && at->second.place ? &*at->second.place : nullptr;
}

void WeightStore::stream(Residency residency) {
  stream_ = std::make_unique<WeightStream>(residency.window);
  residency_ = std::make_unique<const Residency>(std::move(residency));
}

bool WeightStore::is_streamed(std::string_view name) const {
  return residency_ != nullptr && residency_->streamed.contains(name);
}

bool WeightStore::is_read_by_rows(std::string_view name) const {
  return residency_ != nullptr && residency_->by_rows.contains(name);
}

// Small weights share slabs, because only large allocations get huge pages, and without them the
// processor's prefetchers stop at every 4 KiB.
std::byte* WeightStore::allocate(int64_t bytes) {
  constexpr int64_t kSlabBytes = 64 << 20, kLine = 64;
  const int64_t rounded = std::max(kLine, (bytes + kLine - 1) / kLine * kLine);
  if (rounded > slab_free_) {
    slab_bytes_ = slab_free_ = std::max(rounded, kSlabBytes);
    slabs_.push_back(allocate_aligned(static_cast<size_t>(slab_bytes_)));
  }
  std::byte* memory = slabs_.back().get() + slab_bytes_ - slab_free_;
  slab_free_ -= rounded;
  return memory;
}

// Repacks in pieces, so that the pages of a mapped file can be dropped as they are read and the
// peak of resident memory stays near one copy of the weights.
Status WeightStore::pack(Entry& entry, ThreadPool& pool) {
  constexpr int64_t kPieceBytes = 8 << 20;
  const TensorView& native = entry.native;
  const int64_t rows = native.shape.rows(), cols = native.shape.back();
  const int64_t row_bytes = bytes_of(native.dtype, cols);
  const int64_t piece =
      std::max<int64_t>(1, kPieceBytes / (row_bytes * kernels::kGroupRows)) * kernels::kGroupRows;
  const bool is_past_cache = entry.place && stream_ != nullptr;
  const PageBuffer room(is_past_cache ? RangeReader::room_for(std::min(piece, rows) * row_bytes)
                                      : 0);
  for (int64_t row = 0; row < rows; row += piece) {
    const int64_t count = std::min(piece, rows - row), offset = row * row_bytes;
    const std::byte* from = native.as<std::byte>() + offset;
    if (is_past_cache) {
      const auto& [file, begin, bytes] = *entry.place;
      VERGE_TRY(from,
                file->read(begin + static_cast<uint64_t>(offset), count * row_bytes, room.span()));
    }
    pool.run([&](Worker& worker) {
      kernels::pack(native.dtype, from, count, cols,
                    entry.packed + kernels::packed_bytes(native.dtype, row, cols), worker);
    });
    if (entry.release) entry.release(offset, count * row_bytes);
  }
  return {};
}

Result<WeightStore::Entry*> WeightStore::frozen(const std::string& name) {
  const auto at = entries_.find(name);
  if (at == entries_.end()) return native(name).error();
  if (!at->second.is_trained) return &at->second;
  return make_error(Code::Conflict,
                    "{} is in training: a packed copy would keep its old values; mark it "
                    "trainable in this graph too",
                    name);
}

Result<TensorView> WeightStore::prepared(const std::string& name, const std::string& form,
                                         int64_t bytes, const Prepare& prepare, ThreadPool& pool) {
  VERGE_TRY(Entry* const entry, frozen(name));
  std::byte*& memory = entry->forms[form];
  if (memory == nullptr) {
    memory = allocate(bytes);
    entry->packed_bytes += bytes;
    pool.run([&](Worker& worker) { prepare(entry->native, memory, worker); });
    if (entry->release) entry->release(0, entry->native.bytes());
  }
  return TensorView{memory, entry->native.dtype, entry->native.shape};
}

Result<TensorView> WeightStore::packed(const std::string& name, ThreadPool& pool) {
  VERGE_TRY(Entry* const found, frozen(name));
  Entry& entry = *found;
  const TensorView native = entry.native;
  if (entry.packed == nullptr) {
    const int64_t bytes =
        kernels::packed_bytes(native.dtype, native.shape.rows(), native.shape.back());
    entry.packed_bytes += bytes;
    entry.packed = allocate(bytes);
    if (const Status status = pack(entry, pool); !status) {
      entry.packed = nullptr;
      return status.error();
    }
  }
  return TensorView{entry.packed, native.dtype, native.shape};
}

Status WeightStore::mark_trained(const std::string& name) {
  if (const auto known = native(name); !known) return known.error();
  Entry& entry = entries_.find(name)->second;
  if (entry.packed != nullptr || !entry.forms.empty()) {
    return make_error(Code::Conflict,
                      "{} cannot be trained: another plan holds a packed copy of it; mark it "
                      "trainable there too",
                      name);
  }
  entry.is_trained = true;
  return {};
}

int64_t WeightStore::private_bytes() const {
  int64_t bytes = 0;
  for (const auto& [name, entry] : entries_) bytes += entry.packed_bytes + entry.owned_bytes;
  return bytes;
}

Result<TensorView> StateStore::get(const std::string& name, DType dtype, const Shape& shape) {
  if (const auto at = views_.find(name); at != views_.end()) {
    if (at->second.dtype != dtype || at->second.shape != shape) {
      return make_error(Code::Conflict, "state {} is {} {}, a plan wants {} {}", name,
                        verge::name(at->second.dtype), at->second.shape.str(), verge::name(dtype),
                        shape.str());
    }
    return at->second;
  }
  const auto bytes = static_cast<size_t>(bytes_of(dtype, shape.count()));
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return make_error(Code::OutOfMemory,
                      "state {} needs {} bytes, which the system refuses; use a smaller context",
                      name, bytes);
  }
  memory_.emplace_back(memory, [bytes](void* mapped) { munmap(mapped, bytes); });
  return views_[name] = TensorView{memory, dtype, shape};
}

int64_t StateStore::reserved_bytes() const {
  int64_t bytes = 0;
  for (const auto& [name, view] : views_) bytes += view.bytes();
  return bytes;
}

}  // namespace verge::runtime
