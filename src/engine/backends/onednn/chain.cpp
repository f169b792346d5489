#include <algorithm>
#include <cstring>
#include <limits>

#include <verge/engine/backends/onednn/chain.hpp>
#include <verge/engine/backends/onednn/emit.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::backends::onednn {

using graph::kNone;
using graph::ValueId;
using graph::ValueKind;

namespace {

constexpr size_t kAlways = std::numeric_limits<size_t>::max();

std::vector<size_t> last_readers(const graph::Graph& body) {
  std::vector<size_t> last(body.values.size());
  for (size_t n = 0; n < body.nodes.size(); ++n) {
    for (const ValueId id : body.nodes[n].inputs) {
      if (id != kNone) last[static_cast<size_t>(id)] = n;
    }
  }
  for (size_t id = 0; id < last.size(); ++id) {
    if (body.values[id].is_output) last[id] = kAlways;
  }
  return last;
}

}  // namespace

Extents extents_of(const Layout& layout) {
  return {layout.dims, layout.dims + layout.ndims};
}

Chain::Chain(std::shared_ptr<const Library> library, const graph::Graph& body,
             std::span<const TensorView> inputs)
    : library_(std::move(library)),
      body_(body),
      places_(body.values.size()),
      last_reader_(last_readers(body)) {
  const std::vector<ValueId> ids = graph::body_inputs(body);
  VERGE_CHECK(ids.size() == inputs.size(), ids.size(), inputs.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    const bool is_weight = body.value(ids[i]).kind == ValueKind::Param;
    const Layout layout = plain(extents(ids[i]));
    const int buffer = add_buffer({is_weight ? Buffer::Kind::Weight : Buffer::Kind::Input, i,
                                   static_cast<int64_t>(library_->memory_desc_get_size(&layout))});
    place(ids[i], {layout, buffer});
  }
}

Extents Chain::extents(ValueId id) const {
  const Shape shape = body_.bound_shape(body_.value(id).type);
  Extents extents;
  for (int axis = 0; axis < shape.rank(); ++axis) extents.push_back(shape[axis]);
  if (extents.empty()) extents.push_back(1);
  return extents;
}

Layout Chain::any(const Extents& extents) const {
  Layout layout;
  library_->memory_desc_init_by_tag(&layout, static_cast<int>(extents.size()), extents.data(),
                                    dnnl_f32, dnnl_format_tag_any);
  return layout;
}

Layout Chain::plain(const Extents& extents) const {
  Layout layout;
  library_->memory_desc_init_by_strides(&layout, static_cast<int>(extents.size()), extents.data(),
                                        dnnl_f32, nullptr);
  return layout;
}

int Chain::add_buffer(const Buffer& buffer) {
  buffers_.push_back(buffer);
  return static_cast<int>(buffers_.size() - 1);
}

bool Chain::is_known(int buffer) const {
  const Buffer::Kind kind = buffers_[static_cast<size_t>(buffer)].kind;
  return kind == Buffer::Kind::Weight || kind == Buffer::Kind::Kept;
}

Operand Chain::in_own_extents(ValueId id) {
  const Extents own = extents(id);
  return extents_of(operand(id).layout) == own ? operand(id) : plain_as(id, own);
}

Operand Chain::plain_as(ValueId id, const Extents& extents) {
  const Operand& own = operand(id);
  const Operand dense = reordered(own, plain(extents_of(own.layout)));
  return {plain(extents), dense.buffer};
}

Operand Chain::reordered(const Operand& from, const Layout& to) {
  if (library_->memory_desc_equal(&from.layout, &to) != 0) return from;
  for (const Reordered& known : reordered_) {
    const bool is_it = known.from.buffer == from.buffer &&
                       library_->memory_desc_equal(&known.from.layout, &from.layout) != 0 &&
                       library_->memory_desc_equal(&known.to.layout, &to) != 0;
    if (is_it) return known.to;
  }
  const Operand made = fresh(to);
  if (is_known(from.buffer)) buffers_[static_cast<size_t>(made.buffer)].kind = Buffer::Kind::Kept;
  emit_reorder(from, made);
  reordered_.push_back({from, made});
  return made;
}

Operand Chain::copied(const Operand& from, const Layout& to) {
  const Operand made = fresh(to);
  emit_reorder(from, made);
  return made;
}

Operand Chain::fresh(const Layout& layout) {
  const auto bytes = static_cast<int64_t>(library_->memory_desc_get_size(&layout));
  return {layout, add_buffer({Buffer::Kind::Passing, 0, bytes})};
}

bool Chain::is_needed_later(int buffer) const {
  if (buffers_[static_cast<size_t>(buffer)].kind != Buffer::Kind::Passing) return true;
  for (size_t id = 0; id < places_.size(); ++id) {
    if (places_[id].buffer == buffer && last_reader_[id] > node_) return true;
  }
  return false;
}

Operand Chain::writable(ValueId id, const Layout& layout, std::span<const Operand> others) {
  const Operand own = operand(id);
  const bool is_elsewhere =
      std::ranges::all_of(others, [&](const Operand& other) { return other.buffer != own.buffer; });
  if (is_elsewhere && !is_needed_later(own.buffer) &&
      library_->memory_desc_equal(&own.layout, &layout) != 0) {
    std::erase_if(reordered_, [&](const Reordered& known) {
      return known.from.buffer == own.buffer || known.to.buffer == own.buffer;
    });
    return own;
  }
  return copied(own, layout);
}

void Chain::place(ValueId id, const Operand& operand) {
  places_[static_cast<size_t>(id)] = operand;
}

Description Chain::describe(const void* operation, std::span<const PostOp> post_ops) const {
  dnnl_primitive_attr_t attr = nullptr;
  dnnl_post_ops_t list = nullptr;
  library_->primitive_attr_create(&attr);
  library_->primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
  library_->post_ops_create(&list);
  for (const PostOp& op : post_ops) {
    if (op.kind == PostOp::Kind::Sum) {
      library_->post_ops_append_sum(list, 1);
    } else {
      library_->post_ops_append_eltwise(list, 1, op.algorithm, op.alpha, op.beta);
    }
  }
  library_->primitive_attr_set_post_ops(attr, list);
  dnnl_primitive_desc_t made = nullptr;
  const dnnl_status_t status =
      library_->primitive_desc_create(&made, operation, attr, library_->engine, nullptr);
  library_->post_ops_destroy(list);
  library_->primitive_attr_destroy(attr);
  return {status == dnnl_success ? made : nullptr, library_->primitive_desc_destroy};
}

Description Chain::concatenation(const std::vector<Layout>& parts, int axis) const {
  dnnl_primitive_attr_t attr = nullptr;
  library_->primitive_attr_create(&attr);
  library_->primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
  dnnl_primitive_desc_t made = nullptr;
  const dnnl_status_t status = library_->concat_primitive_desc_create(
      &made, nullptr, static_cast<int>(parts.size()), axis, parts.data(), attr, library_->engine);
  library_->primitive_attr_destroy(attr);
  return {status == dnnl_success ? made : nullptr, library_->primitive_desc_destroy};
}

Description Chain::reorder(const Layout& from, const Layout& to) const {
  dnnl_primitive_attr_t attr = nullptr;
  library_->primitive_attr_create(&attr);
  library_->primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
  dnnl_primitive_desc_t made = nullptr;
  const dnnl_status_t status = library_->reorder_primitive_desc_create(
      &made, &from, library_->engine, &to, library_->engine, attr);
  library_->primitive_attr_destroy(attr);
  return {status == dnnl_success ? made : nullptr, library_->primitive_desc_destroy};
}

void Chain::emit_reorder(const Operand& from, const Operand& to) {
  auto& list = is_known(from.buffer) && is_known(to.buffer) ? preparations_ : steps_;
  Description step = reorder(from.layout, to.layout);
  if (step == nullptr) {
    status_ = make_error(Code::Unsupported, "oneDNN cannot change a layout of extents [{}] to [{}]",
                         fmt::join(extents_of(from.layout), ", "),
                         fmt::join(extents_of(to.layout), ", "));
    return;
  }
  list.push_back({std::move(step), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}});
}

Layout Chain::layout_of(const Description& description, dnnl_query_t what) const {
  return *library_->primitive_desc_query_md(description.get(), what, 0);
}

bool Chain::is_reference(const Description& description) const {
  dnnl_primitive_kind_t kind = dnnl_undefined_primitive;
  library_->primitive_desc_query(description.get(), dnnl_query_primitive_kind, 0, &kind);
  if (kind == dnnl_concat) return false;  // its reference is made of reorders
  const char* name = nullptr;
  library_->primitive_desc_query(description.get(), dnnl_query_impl_info_str, 0, &name);
  return name == nullptr || std::string_view(name).starts_with("ref");
}

bool Chain::has_reference() const {
  return std::ranges::any_of(steps_,
                             [&](const ChainStep& step) { return is_reference(step.description); });
}

void Chain::push(Description description, std::vector<Argument> arguments) {
  steps_.push_back({std::move(description), std::move(arguments)});
}

Status Chain::add(size_t node) {
  node_ = node;
  VERGE_RETURN_IF_ERROR(emit(*this, body_.nodes[node]));
  return status_;
}

Status Chain::finish() {
  node_ = body_.nodes.size();
  const std::vector<ValueId> outputs = graph::body_outputs(body_);
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Operand own = operand(outputs[i]);
    const Layout wanted = plain(extents_of(own.layout));
    Buffer& buffer = buffers_[static_cast<size_t>(own.buffer)];
    if (buffer.kind == Buffer::Kind::Passing &&
        library_->memory_desc_equal(&own.layout, &wanted) != 0) {
      buffer.kind = Buffer::Kind::Output;  // whoever writes it writes there
      buffer.index = i;
      continue;
    }
    const auto bytes = static_cast<int64_t>(library_->memory_desc_get_size(&wanted));
    emit_reorder(own, {wanted, add_buffer({Buffer::Kind::Output, i, bytes})});
  }
  return status_;
}

}  // namespace verge::backends::onednn
