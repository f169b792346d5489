#pragma once
// AdapterSet: the LoRA adapters of one base in memory, in slots of one size, so that one graph
// serves all of them and further ones can be loaded while it runs between steps. What it holds is
// what graph::attach_adapters makes params of.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <verge/core/tensor.hpp>
#include <verge/engine/format/adapter/adapter_file.hpp>
#include <verge/engine/graph/passes/attach_adapters.hpp>
#include <verge/engine/model/language_model.hpp>
#include <verge/engine/runtime/store.hpp>

namespace verge::model {

/// Whether a model loaded so has slots at all.
inline bool has_adapters(const LoadOptions& options) {
  return !options.adapters.empty() || options.max_adapters > 0;
}
/// The slots that AdapterSet::load() would make; it fails alike for files and options.
Result<graph::AdapterLayout> plan_adapters(const format::ModelSource& base,
                                           const graph::Graph& graph, const LoadOptions& options);
/// What such slots take.
int64_t bytes_of_adapters(const graph::Graph& graph, const graph::AdapterLayout& layout);

class AdapterSet {
 public:
  /// Loads options.adapters and makes room for options.max_adapters. `graph` is one that the base
  /// is run by, without adapters: its linear layers are those that can have them. Fails as
  /// AdapterFile::open, and with InvalidArgument for a name used twice or an absurd size,
  /// OutOfMemory where the room exceeds the memory that is there.
  static Result<std::unique_ptr<AdapterSet>> load(const format::ModelSource& base,
                                                  const graph::Graph& graph,
                                                  const LoadOptions& options);

  /// Takes a free slot; its index. Fails as load does, with Busy when all slots are taken, with
  /// Unsupported for a higher rank than there is room for.
  Result<int32_t> add(const AdapterSpec& spec, const format::ModelSource& base);

  const graph::AdapterLayout& layout() const { return layout_; }
  std::optional<int32_t> find(std::string_view name) const;
  const std::vector<std::string>& names() const { return names_; }
  /// Of each adapter, a hash of its values.
  const std::vector<std::string>& identities() const { return identities_; }
  /// The params; they stay valid and follow add() as long as the set lives.
  void add_to(runtime::WeightStore& weights) const;

 private:
  struct Matrices {
    Tensor a, b, scales, ranks;
  };

  AdapterSet() = default;
  Status make_room(const graph::Graph& graph);
  Status check(const format::AdapterFile& file, const AdapterSpec& spec) const;
  Result<int32_t> store(const format::AdapterFile& file, const AdapterSpec& spec);

  graph::AdapterLayout layout_;
  std::map<std::string, Matrices> matrices_;  // by weight
  std::vector<std::string> names_, identities_;
};

}  // namespace verge::model
