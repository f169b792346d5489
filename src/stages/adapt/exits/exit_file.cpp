#include <algorithm>
#include <deque>

#include <fmt/ranges.h>

#include <verge/engine/format/gguf/writer.hpp>
#include <verge/engine/model/exit_heads.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/quant/quantize.hpp>
#include <verge/stages/adapt/exits/exit_file.hpp>

namespace verge::adapt {
namespace {

using Trained = std::vector<std::pair<std::string, TensorView>>;

class ExitFile {
 public:
  ExitFile(const AdaptExitsOptions& options, const ExitRun& run, const Trained& trained,
           ThreadPool& pool)
      : options_(options), run_(run), trained_(trained), pool_(pool) {}

  Status write() {
    VERGE_TRY(format::Metadata metadata, make_metadata());
    format::GgufWriter writer(std::move(metadata));
    for (const format::StoredTensor& tensor : run_.source.tensors()) {
      const TensorView* view = find(tensor.name);
      VERGE_RETURN_IF_ERROR(view == nullptr ? writer.add(tensor) : add(writer, tensor.name, *view));
    }
    for (const int64_t exit : options_.layers) {
      const std::string name = nn::exit_output_name(exit);
      const TensorView* view = find(name);
      if (view != nullptr) VERGE_RETURN_IF_ERROR(add(writer, name, *view));
    }
    return writer.write(options_.output);
  }

 private:
  // Where heads alone learn, a trainer holds the model's own matrix beside them.
  const TensorView* find(const std::string& name) const {
    if (options_.mode == ExitMode::Tune && !name.starts_with("exit.")) return nullptr;
    const auto at = std::ranges::find(trained_, name, &Trained::value_type::first);
    return at == trained_.end() ? nullptr : &at->second;
  }

  Result<format::Metadata> make_metadata() const {
    format::Metadata metadata = run_.source.metadata;
    if (!run_.source.tokenizer_json.empty()) {
      VERGE_TRY(const text::Vocabulary vocabulary, model::read_vocabulary(run_.source));
      model::write_vocabulary(vocabulary, metadata);
    }
    std::vector<model::ExitHead> heads;
    for (const int64_t exit : options_.layers) {
      const auto norm = find(fmt::format("exit.{}.norm.weight", exit))->span<float>();
      heads.push_back({.after = exit, .norm = {norm.begin(), norm.end()}});
    }
    model::write_exit_heads(heads, metadata);
    if (!options_.command.empty()) metadata.set("verge.lineage.command", options_.command);
    metadata.set("verge.lineage.exits", run_.note);
    return metadata;
  }

  DType type_of(const std::string& name, const Shape& shape) const {
    if (shape.rank() < 2) return DType::F32;
    const format::StoredTensor* own = run_.source.find(name);
    if (own == nullptr) own = run_.source.find("output.weight");
    if (own == nullptr) own = run_.source.find("token_embd.weight");
    DType type = options_.type.value_or(own->dtype.value_or(DType::F16));
    const bool fits = quant::can_quantize(type) && shape.back() % info(type).block_size == 0;
    return fits ? type : DType::F16;
  }

  Status add(format::GgufWriter& writer, const std::string& name, const TensorView& view) {
    const DType type = type_of(name, view.shape);
    Tensor& stored = written_.emplace_back(type, view.shape);
    VERGE_RETURN_IF_ERROR(quant::quantize(view, stored.view(), {}, pool_));
    return writer.add(name, type, view.shape,
                      {stored.view().as<std::byte>(), static_cast<size_t>(stored.view().bytes())});
  }

  const AdaptExitsOptions& options_;
  const ExitRun& run_;
  const Trained& trained_;
  ThreadPool& pool_;
  std::deque<Tensor> written_;
};

}  // namespace

Status write_exits(const AdaptExitsOptions& options, const ExitRun& run, const Trained& trained,
                   ThreadPool& pool) {
  return ExitFile(options, run, trained, pool).write();
}

}  // namespace verge::adapt
