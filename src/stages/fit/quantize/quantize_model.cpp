#include <verge/core/checksum.hpp>
#include <verge/engine/format/gguf/writer.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/nn/config.hpp>
#include <verge/stages/fit/quantize/quantize_model.hpp>
#include <verge/stages/fit/quantize/tensor_job.hpp>

namespace verge::fit {
namespace {

using format::StoredTensor;

constexpr uint32_t kQuantizationVersion = 2;  // of the block formats, GGUF specification

// general.file_type of GGUF: the type of most tensors. Other tools show it, none needs it.
constexpr std::pair<std::string_view, uint32_t> kFileTypes[] = {
    {"F32", 0},     {"F16", 1},     {"Q4_0", 2},    {"Q4_1", 3},    {"Q8_0", 7},    {"Q5_0", 8},
    {"Q5_1", 9},    {"Q2_K", 10},   {"Q3_K_S", 11}, {"Q3_K_M", 12}, {"Q3_K_L", 13}, {"Q4_K_S", 14},
    {"Q4_K_M", 15}, {"Q5_K_S", 16}, {"Q5_K_M", 17}, {"Q6_K", 18},   {"IQ4_NL", 25}, {"BF16", 32}};

std::string source_checksum(const format::ModelSource& source) {
  Checksum sum;
  for (const auto& file : source.files) {
    file->advise(Advice::Sequential, 0, file->size());
    sum.add(file->bytes());
  }
  return fmt::format("xxh3:{:016x}", sum.value());
}

Result<format::Metadata> make_metadata(const format::ModelSource& source, const Recipe& recipe,
                                       const QuantizeOptions& options) {
  format::Metadata metadata = source.metadata;
  if (!source.tokenizer_json.empty()) {
    VERGE_TRY(const text::Vocabulary vocabulary, model::read_vocabulary(source));
    model::write_vocabulary(vocabulary, metadata);
  }
  for (const auto& [name, type] : kFileTypes) {
    if (name == recipe.name()) metadata.set("general.file_type", type);
  }
  metadata.set("general.quantization_version", kQuantizationVersion);
  metadata.set("general.quantized_by", options.program);
  metadata.set("verge.lineage.source", source_checksum(source));
  if (!options.command.empty()) metadata.set("verge.lineage.command", options.command);
  return metadata;
}

class Job {
 public:
  Job(const format::ModelSource& source, const QuantizeOptions& options, ThreadPool& pool,
      const Clock& clock)
      : source_(source), options_(options), pool_(pool), clock_(clock), begin_(clock.seconds()) {
    for (const StoredTensor& tensor : source.tensors())
      progress_.all_values += tensor.shape.count();
    report_.tensors.reserve(source.tensors().size());
  }

  Result<QuantizeReport> run(const Recipe& recipe, const std::string& out) {
    VERGE_TRY(const ModelFacts facts, read_model_facts(source_));
    VERGE_TRY(format::Metadata metadata, make_metadata(source_, recipe, options_));
    format::GgufWriter writer(std::move(metadata));
    for (const StoredTensor& tensor : source_.tensors()) {
      VERGE_RETURN_IF_ERROR(
          declare(tensor, recipe.type_of(tensor.name, tensor.shape, facts), writer));
    }
    VERGE_RETURN_IF_ERROR(writer.write(out));
    report_.rmse = sums_.error().rmse;
    report_.relative = sums_.error().relative;
    report_.seconds = clock_.seconds() - begin_;
    return std::move(report_);
  }

 private:
  Status declare(const StoredTensor& tensor, TypeChoice choice, format::GgufWriter& writer) {
    if (!tensor.dtype) {
      return make_error(Code::Unsupported,
                        "{}: tensor {} has type {}, which cannot be read; start from an F16, BF16 "
                        "or F32 file",
                        source_.path, tensor.name, tensor.type_name);
    }
    const size_t place = report_.tensors.size();
    report_.tensors.push_back({tensor.name,
                               tensor.shape,
                               tensor.type_name,
                               choice,
                               verge::bytes_of(choice.type, tensor.shape.count()),
                               {}});
    report_.source_bytes += static_cast<int64_t>(tensor.bytes.size());
    report_.bytes += report_.tensors.back().bytes;
    report_.requantized |= is_quantized(*tensor.dtype) && *tensor.dtype != choice.type;
    return writer.add(tensor.name, choice.type, tensor.shape,
                      [this, &tensor, place](const format::ByteSink& sink) {
                        return write(tensor, report_.tensors[place], sink);
                      });
  }

  Status write(const StoredTensor& tensor, TensorReport& report, const format::ByteSink& sink) {
    progress_.tensor = tensor.name;
    const auto advance = [&](int64_t values) {
      progress_.done_values += values;
      progress_.seconds = clock_.seconds() - begin_;
      if (options_.on_progress) options_.on_progress(progress_);
    };
    const auto stoppable = [&](std::span<const std::byte> bytes) -> Status {
      if (options_.cancel == nullptr || !*options_.cancel) return sink(bytes);
      return make_error(Code::Cancelled, "stopped; no file was written");
    };
    VERGE_TRY(const ErrorSums sums,
              write_tensor(tensor, report.choice.type, stoppable, pool_, advance));
    report.error = sums.error();
    sums_.add(sums);
    return {};
  }

  const format::ModelSource& source_;
  const QuantizeOptions& options_;
  ThreadPool& pool_;
  const Clock& clock_;
  double begin_;
  QuantizeReport report_;
  QuantizeProgress progress_;
  ErrorSums sums_;
};

}  // namespace

Result<ModelFacts> read_model_facts(const format::ModelSource& source) {
  VERGE_TRY(const nn::DecoderConfig config, nn::read_config(model::FileFacts(source)));
  return ModelFacts{.layers = static_cast<int>(config.layers),
                    .heads_per_kv_head = static_cast<int>(config.heads / config.kv_heads),
                    .experts = static_cast<int>(config.moe.experts),
                    .tied_output = source.find("output.weight") == nullptr};
}

Result<QuantizeReport> quantize_model(const format::ModelSource& source, const Recipe& recipe,
                                      const std::string& out, const QuantizeOptions& options,
                                      ThreadPool& pool, const Clock& clock) {
  return Job(source, options, pool, clock).run(recipe, out);
}

}  // namespace verge::fit
