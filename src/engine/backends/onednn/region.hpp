#pragma once
// OneDnnRegion: a finished Chain with memory: its primitives one after the other, their arguments
// resolved. Internal to this folder.

#include <verge/engine/backends/onednn/chain.hpp>
#include <verge/engine/backends/onednn/team.hpp>
#include <verge/engine/runtime/backend.hpp>

namespace verge::backends::onednn {

class OneDnnRegion : public runtime::BackendRegion {
 public:
  /// Makes the primitives of a finished chain for as many threads as the pool has, and lays weights
  /// out. Fails with Unsupported where oneDNN cannot make one.
  static Result<std::unique_ptr<runtime::BackendRegion>> make(
      std::shared_ptr<const Library> library, Chain chain, std::span<const TensorView> inputs,
      ThreadPool& pool);
  ~OneDnnRegion() override;

  void run(std::span<const TensorView> inputs, std::span<const TensorView> outputs,
           Worker& worker) override;
  int64_t bytes() const override { return passing_bytes_ + kept_bytes_ + scratch_bytes_; }

 private:
  struct Step {
    dnnl_primitive_t primitive = nullptr;
    std::vector<dnnl_exec_arg_t> arguments;
  };
  // Memory whose place is that of the node's input or output.
  struct Outer {
    dnnl_memory_t memory = nullptr;
    bool is_output = false;
    size_t index = 0;
    void* place = nullptr;
  };

  explicit OneDnnRegion(std::shared_ptr<const Library> library) : library_(std::move(library)) {}
  void place_buffers(Chain& chain);
  Result<Step> make_step(const ChainStep& step, const Chain& chain,
                         std::span<const TensorView> inputs);
  void add_argument(Step& made, int name, const Layout& layout, void* place);
  dnnl_status_t execute(const std::vector<Step>& steps) const;
  void find_outer(std::span<const TensorView> inputs, std::span<const TensorView> outputs);

  std::shared_ptr<const Library> library_;
  Team team_;
  AlignedBuffer passing_, kept_, scratch_;
  int64_t passing_bytes_ = 0, kept_bytes_ = 0, scratch_bytes_ = 0;
  std::vector<int64_t> offsets_;  // by buffer, in `passing_` or `kept_`
  std::vector<Step> steps_;
  std::vector<dnnl_memory_t> memories_;
  std::vector<Outer> outer_;
};

}  // namespace verge::backends::onednn
