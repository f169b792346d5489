#include <algorithm>
#include <numeric>

#include <verge/engine/backends/onednn/region.hpp>
#include <verge/engine/graph/occupied_memory.hpp>

namespace verge::backends::onednn {
namespace {

constexpr int64_t kAlignment = 64;

int64_t align_up(int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

struct Life {
  int64_t first = -1, last = -1;
};

std::vector<Life> lives_of(const std::vector<ChainStep>& steps, size_t buffers) {
  std::vector<Life> lives(buffers);
  for (size_t s = 0; s < steps.size(); ++s) {
    for (const Argument& argument : steps[s].arguments) {
      Life& life = lives[static_cast<size_t>(argument.operand.buffer)];
      if (life.first < 0) life.first = static_cast<int64_t>(s);
      life.last = static_cast<int64_t>(s);
    }
  }
  return lives;
}

// The largest first, each into the lowest gap between those that are needed at the same time.
std::vector<int64_t> place_passing(const std::vector<Buffer>& buffers,
                                   const std::vector<Life>& lives, size_t steps, int64_t& total) {
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order,
                           [&](size_t a, size_t b) { return buffers[a].bytes > buffers[b].bytes; });
  graph::OccupiedMemory occupied(std::max<int64_t>(1, static_cast<int64_t>(steps)));
  std::vector<int64_t> offsets(buffers.size());
  for (const size_t i : order) {
    if (buffers[i].kind != Buffer::Kind::Passing || lives[i].first < 0) continue;
    const int64_t bytes = align_up(buffers[i].bytes);
    int64_t offset = 0;
    for (const graph::ByteRange& taken : occupied.taken(lives[i].first, lives[i].last)) {
      if (taken.begin - offset >= bytes) break;
      offset = taken.end;
    }
    occupied.place({offset, offset + bytes}, lives[i].first, lives[i].last);
    offsets[i] = offset;
    total = std::max(total, offset + bytes);
  }
  return offsets;
}

}  // namespace

OneDnnRegion::~OneDnnRegion() {
  for (const Step& step : steps_) library_->primitive_destroy(step.primitive);
  for (const dnnl_memory_t memory : memories_) library_->memory_destroy(memory);
}

void OneDnnRegion::place_buffers(Chain& chain) {
  const std::vector<Buffer>& buffers = chain.buffers();
  offsets_ = place_passing(buffers, lives_of(chain.steps(), buffers.size()), chain.steps().size(),
                           passing_bytes_);
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].kind != Buffer::Kind::Kept) continue;
    offsets_[i] = kept_bytes_;
    kept_bytes_ += align_up(buffers[i].bytes);
  }
  for (const auto* list : {&chain.steps(), &chain.preparations()}) {
    for (const ChainStep& step : *list) {
      const Layout layout = chain.layout_of(step.description, dnnl_query_scratchpad_md);
      const auto bytes = static_cast<int64_t>(library_->memory_desc_get_size(&layout));
      scratch_bytes_ = std::max(scratch_bytes_, bytes);
    }
  }
  passing_ = allocate_aligned(static_cast<size_t>(std::max(kAlignment, passing_bytes_)));
  kept_ = allocate_aligned(static_cast<size_t>(std::max(kAlignment, kept_bytes_)));
  scratch_ = allocate_aligned(static_cast<size_t>(std::max(kAlignment, scratch_bytes_)));
}

void OneDnnRegion::add_argument(Step& made, int name, const Layout& layout, void* place) {
  dnnl_memory_t memory = nullptr;
  const dnnl_status_t status = library_->memory_create(&memory, &layout, library_->engine, place);
  VERGE_CHECK(status == dnnl_success, static_cast<int>(status));
  memories_.push_back(memory);
  made.arguments.push_back({name, memory});
}

Result<OneDnnRegion::Step> OneDnnRegion::make_step(const ChainStep& step, const Chain& chain,
                                                   std::span<const TensorView> inputs) {
  Step made;
  if (library_->primitive_create(&made.primitive, step.description.get()) != dnnl_success) {
    return make_error(Code::Unsupported, "oneDNN cannot make a primitive that it described");
  }
  for (const auto& [name, operand] : step.arguments) {
    const Buffer& buffer = chain.buffers()[static_cast<size_t>(operand.buffer)];
    const int64_t offset = offsets_[static_cast<size_t>(operand.buffer)];
    switch (buffer.kind) {
      case Buffer::Kind::Passing:
        add_argument(made, name, operand.layout, passing_.get() + offset);
        break;
      case Buffer::Kind::Kept:
        add_argument(made, name, operand.layout, kept_.get() + offset);
        break;
      case Buffer::Kind::Weight:
        add_argument(made, name, operand.layout, inputs[buffer.index].data);
        break;
      default:
        add_argument(made, name, operand.layout, nullptr);
        outer_.push_back({memories_.back(), buffer.kind == Buffer::Kind::Output, buffer.index});
    }
  }
  add_argument(made, DNNL_ARG_SCRATCHPAD,
               chain.layout_of(step.description, dnnl_query_scratchpad_md), scratch_.get());
  return made;
}

dnnl_status_t OneDnnRegion::execute(const std::vector<Step>& steps) const {
  for (const Step& step : steps) {
    const dnnl_status_t status =
        library_->primitive_execute(step.primitive, library_->stream,
                                    static_cast<int>(step.arguments.size()), step.arguments.data());
    if (status != dnnl_success) return status;
  }
  return dnnl_success;
}

Result<std::unique_ptr<runtime::BackendRegion>> OneDnnRegion::make(
    std::shared_ptr<const Library> library, Chain chain, std::span<const TensorView> inputs,
    ThreadPool& pool) {
  std::unique_ptr<OneDnnRegion> region(new OneDnnRegion(std::move(library)));
  region->place_buffers(chain);
  std::vector<Step> preparations;
  for (const ChainStep& step : chain.preparations()) {
    VERGE_TRY(Step made, region->make_step(step, chain, inputs));
    preparations.push_back(std::move(made));
  }
  dnnl_status_t status = dnnl_success;
  pool.run([&](Worker& worker) {
    region->team_.run(worker, [&] { status = region->execute(preparations); });
  });
  for (const Step& step : preparations) region->library_->primitive_destroy(step.primitive);
  if (status != dnnl_success) {
    return make_error(Code::Unsupported, "oneDNN cannot lay weights out (status {})",
                      static_cast<int>(status));
  }
  for (const ChainStep& step : chain.steps()) {
    VERGE_TRY(Step made, region->make_step(step, chain, inputs));
    region->steps_.push_back(std::move(made));
  }
  return std::unique_ptr<runtime::BackendRegion>(std::move(region));
}

void OneDnnRegion::find_outer(std::span<const TensorView> inputs,
                              std::span<const TensorView> outputs) {
  for (Outer& outer : outer_) {
    void* place = (outer.is_output ? outputs : inputs)[outer.index].data;
    if (place == outer.place) continue;
    library_->memory_set_data_handle(outer.memory, place);
    outer.place = place;
  }
}

void OneDnnRegion::run(std::span<const TensorView> inputs, std::span<const TensorView> outputs,
                       Worker& worker) {
  team_.run(worker, [&] {
    find_outer(inputs, outputs);
    const dnnl_status_t status = execute(steps_);
    VERGE_CHECK(status == dnnl_success, static_cast<int>(status));
  });
}

}  // namespace verge::backends::onednn
