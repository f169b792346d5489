#include <algorithm>

#include <verge/engine/backends/onednn/emit.hpp>
#include <verge/engine/backends/onednn/onednn.hpp>
#include <verge/engine/backends/onednn/refusals.hpp>
#include <verge/engine/backends/onednn/region.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/passes/region_body.hpp>

namespace verge::backends {
namespace {

using namespace onednn;

class OneDnn : public runtime::Backend {
 public:
  explicit OneDnn(std::shared_ptr<const Library> library) : library_(std::move(library)) {}

  std::string_view name() const override { return kOneDnn; }

  std::vector<std::string> refusals(const graph::Graph& graph,
                                    const graph::Node& node) const override {
    std::vector<std::string> reasons = plain_refusals(graph, node);
    if (reasons.empty()) try_alone(graph, node, reasons);
    return reasons;
  }

  // The same machine and memory. What is worth it is measured (`auto`); the estimates only keep
  // regions of a few small nodes out, whose blocked layouts cannot pay.
  graph::BackendCost cost() const override {
    return {.host_flops_per_s = 50e9, .flops_per_s = 100e9, .launch_s = 5e-6, .least_nodes = 1};
  }
  int64_t memory_of(const graph::Graph&) const override { return 0; }

  Result<std::unique_ptr<runtime::BackendRegion>> compile(const graph::Graph& body,
                                                          std::span<const TensorView> inputs,
                                                          ThreadPool& pool) override {
    const PlannedThreads threads(pool.size());
    Chain chain(library_, body, inputs);
    for (size_t n = 0; n < body.nodes.size(); ++n) VERGE_RETURN_IF_ERROR(chain.add(n));
    VERGE_RETURN_IF_ERROR(chain.finish());
    return OneDnnRegion::make(library_, std::move(chain), inputs, pool);
  }

 private:
  // What oneDNN itself says of the node.
  void try_alone(const graph::Graph& graph, const graph::Node& node,
                 std::vector<std::string>& reasons) const {
    const graph::RegionBody made = graph::body_of_node(graph, node);
    std::vector<TensorView> inputs(made.inputs.size());
    Chain chain(library_, made.body, inputs);
    if (const Status status = chain.add(0); !status) {
      reasons.push_back(status.error().message);
    } else if (chain.has_reference()) {
      reasons.emplace_back("oneDNN has only its slow reference for it here");
    }
  }

  std::shared_ptr<const Library> library_;
};

}  // namespace

Result<std::shared_ptr<runtime::Backend>> make_onednn() {
  VERGE_TRY(auto library, load_library());
  return std::shared_ptr<runtime::Backend>(std::make_shared<OneDnn>(std::move(library)));
}

}  // namespace verge::backends
