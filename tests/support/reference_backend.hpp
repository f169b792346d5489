#pragma once
// A backend of a test's own, which runs what it is given by the operators' references.

#include <verge/engine/runtime/backend.hpp>

#include "delegating.hpp"

namespace verge::support {

class ReferenceBackend : public OperatorBackendOf<runtime::Backend> {
 public:
  Result<std::unique_ptr<runtime::BackendRegion>> compile(const graph::Graph& body,
                                                          std::span<const TensorView> inputs,
                                                          ThreadPool&) override {
    return std::unique_ptr<runtime::BackendRegion>(
        std::make_unique<Region>(body, inputs, memory.has_value()));
  }

 private:
  class Region : public runtime::BackendRegion {
   public:
    Region(graph::Graph body, std::span<const TensorView> inputs, bool has_memory)
        : body_(std::move(body)) {
      if (!has_memory) return;
      const auto ids = graph::body_inputs(body_);
      for (size_t i = 0; i < ids.size(); ++i) {
        const bool is_given = body_.value(ids[i]).kind == graph::ValueKind::Input;
        ins_.push_back(is_given ? Tensor(inputs[i].dtype, inputs[i].shape) : Tensor());
      }
      for (const graph::ValueId id : graph::body_outputs(body_)) {
        const graph::Type& type = body_.value(id).type;
        outs_.emplace_back(type.dtype, body_.bound_shape(type));
      }
    }
    void run(std::span<const TensorView> inputs, std::span<const TensorView> outputs,
             Worker& worker) override {
      if (worker.index() == 0) graph::run_body(body_, inputs, outputs);
    }
    std::byte* input_place(size_t i) override {
      return ins_.empty() ? nullptr : ins_[i].view().as<std::byte>();
    }
    std::byte* output_place(size_t i) override {
      return outs_.empty() ? nullptr : outs_[i].view().as<std::byte>();
    }
    int64_t bytes() const override { return 0; }

   private:
    graph::Graph body_;
    std::vector<Tensor> ins_, outs_;
  };
};

}  // namespace verge::support
