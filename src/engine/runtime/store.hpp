#pragma once
// WeightStore: the parameters of a model by name, shared by all its Plans. A weight lives where it
// came from (a mapped file) until a kernel asks for it repacked; then the packed copy is made once
// and the mapped pages may be dropped. StateStore: what survives runs (KV pages, optimizer
// moments), zero at first. Neither may be changed while a Plan runs.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <verge/core/direct_file.hpp>
#include <verge/core/result.hpp>
#include <verge/core/tensor.hpp>
#include <verge/core/threads.hpp>

namespace verge::runtime {

struct Residency;
class WeightStream;

class WeightStore {
 public:
  WeightStore();
  ~WeightStore();
  WeightStore(WeightStore&&) noexcept;

  /// Called when bytes [offset, offset + length) of a weight will not be read for a while.
  using Release = std::function<void(int64_t offset, int64_t length)>;

  /// Adds a weight that lives elsewhere, as long as `owner` does.
  void add(std::string name, TensorView native, std::shared_ptr<const void> owner,
           Release release = {});
  /// Adds a weight and owns it.
  void add(std::string name, Tensor tensor);

  /// Says where a weight lies, to read it past the page cache: packed() does while plans stream.
  void set_place(const std::string& name, FileRange place);
  /// Nothing where it was not said.
  const FileRange* place(std::string_view name) const;

  /// From now on plans stream what `residency` says, through one window. Before the first plan.
  void stream(Residency residency);
  const Residency* residency() const { return residency_.get(); }
  WeightStream* stream() const { return stream_.get(); }
  bool is_streamed(std::string_view name) const;
  /// Whether runs read a table's rows one by one.
  bool is_read_by_rows(std::string_view name) const;

  /// Fails with NotFound naming the weight.
  Result<TensorView> native(const std::string& name) const;
  /// The weight in the packed layout (kernels/packed.hpp), made on first use by all threads of the
  /// pool.
  Result<TensorView> packed(const std::string& name, ThreadPool& pool);

  /// Fills `out`, one thread of the pool's share of it.
  using Prepare = std::function<void(const TensorView& native, std::byte* out, Worker& worker)>;
  /// The weight in a layout that one kernel reads, made on first use by all threads of the pool;
  /// `form` tells the layouts of a weight apart.
  Result<TensorView> prepared(const std::string& name, const std::string& form, int64_t bytes,
                              const Prepare& prepare, ThreadPool& pool);

  /// Says that a plan's updates write this weight. Fails with Conflict where a packed copy exists,
  /// which would keep the old values; from then on packed() refuses.
  Status mark_trained(const std::string& name);

  /// Bytes of private memory: owned and packed weights.
  int64_t private_bytes() const;

 private:
  struct Entry {
    TensorView native;
    std::optional<FileRange> place = {};
    std::shared_ptr<const void> owner;
    Release release;
    std::byte* packed = nullptr;
    int64_t packed_bytes = 0;  // and of the prepared forms
    std::map<std::string, std::byte*> forms = {};
    int64_t owned_bytes = 0;
    bool is_trained = false;
  };
  std::byte* allocate(int64_t bytes);
  /// The weight of this name, if nothing changes it.
  Result<Entry*> frozen(const std::string& name);
  Status pack(Entry& entry, ThreadPool& pool);

  std::map<std::string, Entry, std::less<>> entries_;
  std::vector<AlignedBuffer> slabs_;  // of packed weights, in the order in which plans ask for them
  int64_t slab_free_ = 0;             // bytes left in the last one
  int64_t slab_bytes_ = 0;
  std::unique_ptr<const Residency> residency_;  // null: all is in memory
  std::unique_ptr<WeightStream> stream_;
};

/// What the passes are asked for with: the weights as they are stored, while `weights` lives.
inline std::function<std::optional<TensorView>(std::string_view)> parameter_values(
    const WeightStore& weights) {
  return [&weights](std::string_view name) -> std::optional<TensorView> {
    const auto found = weights.native(std::string(name));
    return found ? std::optional(*found) : std::nullopt;
  };
}

class StateStore {
 public:
  /// The state of this name; made zero-filled on first use. Pages that are never touched cost no
  /// memory. Fails with Conflict when it exists with another type, OutOfMemory when the system
  /// refuses.
  Result<TensorView> get(const std::string& name, DType dtype, const Shape& shape);

  /// All states, for checkpoints.
  const std::map<std::string, TensorView, std::less<>>& all() const { return views_; }
  int64_t reserved_bytes() const;

 private:
  std::map<std::string, TensorView, std::less<>> views_;
  std::vector<std::shared_ptr<void>> memory_;
};

}  // namespace verge::runtime
