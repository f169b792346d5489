#include <algorithm>
#include <filesystem>

#include <fmt/ranges.h>

#include <verge/engine/format/gguf/writer.hpp>
#include <verge/engine/model/decoder_options.hpp>
#include <verge/engine/model/exit_heads.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/stages/fit/split/split_model.hpp>

namespace verge::fit {
namespace {

using format::Metadata;
using format::ModelSource;
using format::StoredTensor;

Result<SplitPoints> choose_exits(const ModelSource& source, const nn::DecoderConfig& config,
                                 SplitPoints exits) {
  std::vector<int64_t> known = config.exit_layers;
  std::ranges::sort(known);
  if (known.size() < 2) {
    return make_error(Code::Unsupported,
                      "{}: two exit heads are needed, it has {}; train with --exits", source.path,
                      known.empty() ? std::string("none") : fmt::format("one after {}", known[0]));
  }
  if (exits.first == 0 && exits.second == 0) return SplitPoints{known[0], known[1]};
  for (const int64_t layers : {exits.first, exits.second}) {
    if (std::ranges::find(known, layers) != known.end()) continue;
    return make_error(Code::Unsupported, "{}: no exit head after {} layers; it has some after {}",
                      source.path, layers, fmt::join(known, ", "));
  }
  if (exits.first >= exits.second) {
    return make_error(Code::InvalidArgument,
                      "exits after {} and {} layers; the first must come before the second",
                      exits.first, exits.second);
  }
  return exits;
}

Status check_paths(const std::string& edge, const std::string& cloud) {
  namespace fs = std::filesystem;
  if (fs::path(edge).lexically_normal() != fs::path(cloud).lexically_normal()) return {};
  return make_error(Code::InvalidArgument, "{} is named for both parts; give two files", edge);
}

// The edge keeps the heads that it runs.
Status keep_exits(const nn::DecoderConfig& config, std::span<const int64_t> kept,
                  Metadata& metadata) {
  std::vector<model::ExitHead> heads;
  for (const int64_t after : config.exit_layers) {
    if (std::ranges::find(kept, after) == kept.end()) continue;
    VERGE_TRY(const auto norm, metadata.get_array<float>(fmt::format("verge.exit.{}.norm", after)));
    heads.push_back({after, config.exit_temperature(after), norm});
  }
  model::write_exit_heads(heads, metadata);
  return {};
}

class Splitter {
 public:
  Splitter(const ModelSource& source, const nn::DecoderConfig& config, SplitPoints exits)
      : source_(source), config_(config) {
    report_.exits = exits;
    report_.layers = config.layers;
  }

  Result<SplitReport> run(const std::string& edge, const std::string& cloud,
                          const std::string& command) {
    VERGE_TRY(report_.model, model::model_hash(source_));
    VERGE_TRY(report_.tokenizer, model::tokenizer_hash(source_));
    for (const auto& file : source_.files) {
      report_.source_bytes += static_cast<int64_t>(file->size());
    }
    const auto [first, second] = report_.exits;
    VERGE_TRY(report_.edge, write(edge, {0, second}, {first, second}, command));
    VERGE_TRY(report_.cloud, write(cloud, {first, config_.layers}, {}, command));
    return std::move(report_);
  }

 private:
  Result<Metadata> part_metadata(nn::LayerSpan layers, std::span<const int64_t> exits,
                                 const std::string& command) const {
    Metadata metadata = source_.metadata;
    if (!source_.tokenizer_json.empty()) {
      VERGE_TRY(const text::Vocabulary vocabulary, model::read_vocabulary(source_));
      model::write_vocabulary(vocabulary, metadata);
    }
    VERGE_RETURN_IF_ERROR(keep_exits(config_, exits, metadata));
    model::write_split(
        {report_.model, report_.tokenizer, layers, {report_.exits.first, report_.exits.second}},
        metadata);
    if (!command.empty()) metadata.set("verge.lineage.command", command);
    return metadata;
  }

  // Matrices to the vocabulary stay with the heads that end in them.
  bool is_of_heads(const std::string& tensor, nn::LayerSpan layers,
                   std::span<const int64_t> exits) const {
    if (tensor.starts_with("exit.")) {
      return std::ranges::any_of(
          exits, [&](int64_t after) { return tensor == nn::exit_output_name(after); });
    }
    if (tensor != "output.weight" || layers.end == config_.layers) return true;
    return std::ranges::any_of(
        exits, [&](int64_t after) { return source_.find(nn::exit_output_name(after)) == nullptr; });
  }

  Result<SplitPart> write(const std::string& path, nn::LayerSpan layers, std::vector<int64_t> exits,
                          const std::string& command) const {
    VERGE_TRY(Metadata metadata, part_metadata(layers, exits, command));
    format::GgufWriter writer(std::move(metadata));
    auto tensors = model::tensors_of(source_, layers);
    std::erase_if(tensors, [&](const StoredTensor* tensor) {
      return !is_of_heads(tensor->name, layers, exits);
    });
    for (const StoredTensor* tensor : tensors) VERGE_RETURN_IF_ERROR(writer.add(*tensor));
    VERGE_RETURN_IF_ERROR(writer.write(path));
    VERGE_TRY(const uint64_t bytes, writer.file_bytes());
    return SplitPart{path, layers, std::ssize(tensors), static_cast<int64_t>(bytes)};
  }

  const ModelSource& source_;
  const nn::DecoderConfig& config_;
  SplitReport report_;
};

}  // namespace

Result<SplitReport> split_model(const ModelSource& source, SplitPoints exits,
                                const std::string& edge_path, const std::string& cloud_path,
                                const std::string& command) {
  VERGE_TRY(const nn::DecoderConfig config, nn::read_config(model::FileFacts(source)));
  VERGE_TRY(const auto split, model::read_split(source));
  if (split) {
    return make_error(Code::Unsupported, "{}: split already, layers {} to {}; give the whole model",
                      source.path, split->layers.first, split->layers.end);
  }
  VERGE_TRY(exits, choose_exits(source, config, exits));
  VERGE_RETURN_IF_ERROR(check_paths(edge_path, cloud_path));
  return Splitter(source, config, exits).run(edge_path, cloud_path, command);
}

}  // namespace verge::fit
