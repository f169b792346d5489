#include <algorithm>
#include <map>

#include <fmt/ranges.h>

#include <verge/engine/onnx/import.hpp>
#include <verge/stages/fit/tune/network_inputs.hpp>

namespace verge::fit {
namespace {

using format::onnx::ValueInfo;
using onnx::InputBinding;

constexpr int64_t kUsualExtent = 128;

struct NamedExtent {
  int64_t extent = 0;
  std::string by = {};  // the binding that says it
};

class Completion {
 public:
  Completion(const format::onnx::Onnx& file, BaseShape shape)
      : path_(file.path()), inputs_(onnx::inputs_of(file)), shape_(std::move(shape)) {}

  Result<BaseShape> run() {
    VERGE_RETURN_IF_ERROR(sort_bindings());
    VERGE_RETURN_IF_ERROR(choose_batch());
    std::vector<InputBinding> bindings;
    for (const ValueInfo& input : inputs_) {
      VERGE_TRY(bindings.emplace_back(), binding_of(input));
    }
    shape_.inputs = std::move(bindings);
    return std::move(shape_);
  }

 private:
  const InputBinding* given(const std::string& name) const {
    const auto at = given_.find(name);
    return at == given_.end() ? nullptr : &at->second;
  }

  bool is_extent(const std::string& name) const {
    return std::ranges::any_of(inputs_, [&](const ValueInfo& input) {
      return std::ranges::find(input.dims, name, &format::onnx::Extent::symbol) != input.dims.end();
    });
  }

  // Of an input, or of an extent that the file leaves open.
  Status sort_bindings() {
    for (const InputBinding& binding : shape_.inputs) {
      const auto input = std::ranges::find(inputs_, binding.name, &ValueInfo::name);
      if (input != inputs_.end()) {
        VERGE_RETURN_IF_ERROR(take_input(*input, binding));
      } else if (binding.shape.rank() == 1 && !binding.value && is_extent(binding.name)) {
        VERGE_RETURN_IF_ERROR(name_extent(binding.name, binding.shape[0], binding.name));
      } else {
        return make_error(Code::InvalidArgument, "{}: no input is named \"{}\"; there {} \"{}\"",
                          path_, binding.name, inputs_.size() == 1 ? "is" : "are",
                          fmt::join(names(), "\", \""));
      }
    }
    return {};
  }

  Status take_input(const ValueInfo& input, const InputBinding& binding) {
    if (binding.value && !onnx::is_switch(input)) {
      return make_error(
          Code::InvalidArgument,
          "{}: input \"{}\" is no single integer, which --value is for; give --shape {}=...", path_,
          input.name, input.name);
    }
    const auto [at, is_new] = given_.try_emplace(binding.name, binding);
    if (!is_new && at->second.shape != binding.shape) {
      return make_error(Code::InvalidArgument, "--shape of {} says {} and {}; give one",
                        binding.name, at->second.shape.str(), binding.shape.str());
    }
    return binding.value ? Status{} : note_extents(input, binding.shape);
  }

  // What other bindings say of it must be the same. Within an input, some exporters give one name
  // to several extents.
  Status name_extent(const std::string& symbol, int64_t extent, const std::string& by) {
    const auto [at, is_new] = named_extents_.try_emplace(symbol, NamedExtent{extent, by});
    if (is_new || at->second.extent == extent) return {};
    if (at->second.by == by && by != symbol) return {};
    return make_error(Code::InvalidArgument,
                      "{}: extent \"{}\" is {} by --shape of {}, {} of {}; "
                      "give one",
                      path_, symbol, at->second.extent, at->second.by, extent, by);
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const ValueInfo& input : inputs_) names.push_back(input.name);
    return names;
  }

  Status note_extents(const ValueInfo& input, const Shape& shape) {
    for (int axis = 1; axis < shape.rank(); ++axis) {
      const auto at = static_cast<size_t>(axis);
      if (at >= input.dims.size() || input.dims[at].symbol.empty()) continue;
      VERGE_RETURN_IF_ERROR(name_extent(input.dims[at].symbol, shape[axis], input.name));
    }
    return {};
  }

  // The first extent of what is given, of the file, or 1.
  Status choose_batch() {
    for (const ValueInfo& input : inputs_) {
      const InputBinding* binding = given(input.name);
      const bool has_samples = binding != nullptr && !binding->value && binding->shape.rank() > 0;
      if (!has_samples) continue;
      if (shape_.batch > 0 && shape_.batch != binding->shape[0]) {
        return make_error(Code::InvalidArgument, "--shape of {} says batch {}, --batch {}",
                          input.name, binding->shape[0], shape_.batch);
      }
      shape_.batch = binding->shape[0];
    }
    for (const ValueInfo& input : inputs_) {
      if (onnx::is_switch(input) || input.dims.empty()) continue;
      VERGE_RETURN_IF_ERROR(take_named_batch(input.dims[0].symbol));
      if (shape_.batch == 0 && input.dims[0].value > 0) shape_.batch = input.dims[0].value;
    }
    shape_.batch = std::max<int64_t>(1, shape_.batch);
    return {};
  }

  // Of an extent that is given by its own name.
  Status take_named_batch(const std::string& symbol) {
    const auto at = named_extents_.find(symbol);
    if (at == named_extents_.end() || at->second.by != symbol) return {};
    if (shape_.batch > 0 && shape_.batch != at->second.extent) {
      return make_error(Code::InvalidArgument,
                        "{}: --shape {}={} says batch {}, --batch or another --shape {}; give one",
                        path_, symbol, at->second.extent, at->second.extent, shape_.batch);
    }
    shape_.batch = at->second.extent;
    return {};
  }

  Result<InputBinding> binding_of(const ValueInfo& input) const {
    const InputBinding* binding = given(input.name);
    if (onnx::is_switch(input)) return switch_of(input, binding);
    VERGE_RETURN_IF_ERROR(expect_several(input));
    if (binding != nullptr && binding->shape.rank() > 0) return *binding;
    if (binding != nullptr || !input.has_shape || input.dims.empty()) {
      return make_error(Code::Unsupported,
                        "{}: input \"{}\" has no samples; training takes inputs whose first axis "
                        "are the samples of a batch",
                        path_, input.name);
    }
    std::vector<int64_t> extents;
    for (size_t axis = 0; axis < input.dims.size(); ++axis) {
      VERGE_TRY(extents.emplace_back(), extent_of(input, axis));
    }
    return InputBinding{.name = input.name, .shape = Shape(std::span<const int64_t>(extents))};
  }

  // Importing takes a single integer for a switch.
  Status expect_several(const ValueInfo& input) const {
    if (shape_.batch > 1 || input.dims.size() != 1 || format::onnx::is_float(input.type)) return {};
    return make_error(
        Code::Unsupported,
        "{}: input \"{}\" has one {} a sample, which in a batch of 1 is a constant of "
        "the network; give --batch 2 or more",
        path_, input.name, format::onnx::name(input.type));
  }

  Result<InputBinding> switch_of(const ValueInfo& input, const InputBinding* binding) const {
    if (binding == nullptr || !binding->value) {
      return make_error(Code::InvalidArgument,
                        "{}: input \"{}\" is a single {}; give its value, --value {}=1", path_,
                        input.name, format::onnx::name(input.type), input.name);
    }
    InputBinding with_shape = *binding;
    with_shape.shape = input.dims.empty() ? Shape{} : Shape{1};
    return with_shape;
  }

  Result<int64_t> extent_of(const ValueInfo& input, size_t axis) const {
    const format::onnx::Extent& extent = input.dims[axis];
    if (axis == 0) {
      if (extent.value < 0 || extent.value == shape_.batch) return shape_.batch;
      return make_error(Code::InvalidArgument,
                        "{}: {} has a batch of {} in the file, not {}; give --batch {}, or export "
                        "the network with an open one",
                        path_, input.name, extent.value, shape_.batch, extent.value);
    }
    if (extent.value >= 0) return extent.value;
    const auto at = named_extents_.find(extent.symbol);
    if (at != named_extents_.end()) return at->second.extent;
    return make_error(Code::InvalidArgument,
                      "{}: extent {} of {}{} is open; give --shape {}={}, or what it is", path_,
                      axis, input.name,
                      extent.symbol.empty() ? "" : fmt::format(" (\"{}\")", extent.symbol),
                      input.name, fmt::join(example_of(input), "x"));
  }

  std::vector<int64_t> example_of(const ValueInfo& input) const {
    const bool is_picture = input.dims.size() == 4;
    std::vector<int64_t> extents;
    for (size_t axis = 0; axis < input.dims.size(); ++axis) {
      const int64_t open = is_picture ? (axis == 1 ? 3 : 224) : kUsualExtent;
      const int64_t value = input.dims[axis].value;
      extents.push_back(axis == 0 ? shape_.batch : value >= 0 ? value : open);
    }
    return extents;
  }

  const std::string& path_;
  const std::vector<ValueInfo> inputs_;
  BaseShape shape_;
  std::map<std::string, InputBinding> given_;
  std::map<std::string, NamedExtent> named_extents_;
};

}  // namespace

Result<BaseShape> complete_shape(const format::onnx::Onnx& file, BaseShape shape) {
  return Completion(file, std::move(shape)).run();
}

}  // namespace verge::fit
