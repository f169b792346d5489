#include <algorithm>

#include <verge/core/atomic_folder.hpp>
#include <verge/core/file.hpp>
#include <verge/engine/format/hf/config_writer.hpp>
#include <verge/engine/format/hf/family.hpp>
#include <verge/engine/format/safetensors/writer.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/folder_writer.hpp>
#include <verge/engine/quant/dequantize.hpp>
#include <verge/engine/quant/quantize.hpp>
#include <verge/engine/text/tokenizer_json_writer.hpp>

namespace verge::model {
namespace {

using format::ByteSink;
using format::StoredTensor;

constexpr int64_t kPortionValues = int64_t{4} << 20;

// Heads of Llama's queries and keys, whose rows GGUF interleaves and a folder keeps half by half;
// 0 for other tensors.
int64_t interleaved_heads(const format::ModelSource& source, std::string_view name) {
  if (source.metadata.get_string("general.architecture", "").value() != "llama") return 0;
  const bool is_query = name.find(".attn_q.") != std::string_view::npos;
  if (!is_query && name.find(".attn_k.") == std::string_view::npos) return 0;
  const uint32_t heads = source.metadata.get_u32("llama.attention.head_count", 0).value();
  if (is_query) return heads;
  return source.metadata.get_u32("llama.attention.head_count_kv", heads).value();
}

// Where row `row` of the folder stands in GGUF: of a head's 2n rows, i and n + i are 2i and 2i + 1.
int64_t gguf_row(int64_t row, int64_t head_rows) {
  if (head_rows == 0) return row;
  const int64_t within = row % head_rows, half = head_rows / 2;
  return row - within + 2 * (within % half) + within / half;
}

class FolderWriter {
 public:
  FolderWriter(const format::ModelSource& source, const FolderOptions& options, ThreadPool& pool)
      : source_(source), options_(options), pool_(pool) {}

  Status write(const std::string& folder) {
    VERGE_TRY(const std::string config, format::hf_config(source_, matrix_dtype()));
    VERGE_TRY(text::Vocabulary raw, read_vocabulary(source_));
    VERGE_TRY(const text::Vocabulary vocabulary, text::checked(std::move(raw)));
    VERGE_TRY(const std::string tokenizer, text::tokenizer_json(vocabulary));
    VERGE_TRY(const auto chat, source_.metadata.get_string("tokenizer.chat_template", ""));
    VERGE_RETURN_IF_ERROR(declare_tensors());
    VERGE_RETURN_IF_ERROR(write_whole_file(folder + "/config.json", config));
    VERGE_RETURN_IF_ERROR(write_whole_file(folder + "/tokenizer.json", tokenizer));
    VERGE_RETURN_IF_ERROR(write_whole_file(folder + "/tokenizer_config.json",
                                           text::tokenizer_config_json(vocabulary, chat)));
    return writer_.write(folder + "/model.safetensors");
  }

 private:
  Status declare_tensors() {
    writer_.set_metadata("format", "pt");
    for (const StoredTensor& tensor : source_.tensors()) {
      if (tensor.name == "rope_freqs.weight") continue;  // config.json tells what it comes from
      const auto name = format::hf_tensor_name(tensor.name);
      if (!name || !tensor.dtype) {
        return make_error(Code::Unsupported,
                          "tensor {} of type {} has no place in a folder of safetensors; keep the "
                          "model as GGUF",
                          tensor.name, tensor.type_name);
      }
      const DType dtype = target(tensor);
      all_bytes_ += bytes_of(dtype, tensor.shape.count());
      VERGE_RETURN_IF_ERROR(
          writer_.add(*name, dtype, tensor.shape,
                      [this, &tensor](const ByteSink& sink) { return write(tensor, sink); }));
    }
    return {};
  }

  // What most values become: the type of the largest tensor.
  DType matrix_dtype() const {
    const auto size = [](const StoredTensor& tensor) { return tensor.shape.count(); };
    if (source_.tensors().empty()) return DType::F32;
    return target(*std::ranges::max_element(source_.tensors(), {}, size));
  }

  DType target(const StoredTensor& tensor) const {
    if (tensor.shape.rank() < 2) return DType::F32;
    if (options_.dtype) return *options_.dtype;
    const bool is_plain = tensor.dtype == DType::F32 || tensor.dtype == DType::BF16;
    return is_plain ? *tensor.dtype : DType::F16;
  }

  Status write(const StoredTensor& tensor, const ByteSink& sink) {
    Tensor raw(*tensor.dtype, tensor.shape);
    const auto raw_bytes = static_cast<size_t>(raw.view().bytes());
    VERGE_RETURN_IF_ERROR(tensor.copy_to({raw.view().as<std::byte>(), raw_bytes}));
    const int64_t heads = interleaved_heads(source_, tensor.name);
    const bool is_bias = heads > 0 && tensor.shape.rank() == 1;  // its rows have one value each
    const int64_t columns = is_bias ? 1 : tensor.shape.back();
    const int64_t rows = tensor.shape.count() / columns;
    if ((heads > 0 && rows % (2 * heads) != 0) || columns % info(*tensor.dtype).block_size != 0) {
      return make_error(Code::Malformed, "tensor {}: {} of type {} cannot be split into {} heads",
                        tensor.name, tensor.shape.str(), tensor.type_name, heads);
    }
    const int64_t head_rows = heads > 0 ? rows / heads : 0;
    const int64_t portion = std::clamp(kPortionValues / columns, int64_t{1}, rows);
    const DType dtype = target(tensor);
    const Tensor values(DType::F32, {portion, columns}), out(dtype, {portion, columns});
    for (int64_t first = 0; first < rows; first += portion) {
      const Shape shape = {std::min(portion, rows - first), columns};
      const auto row_bytes = bytes_of(*tensor.dtype, columns);
      for (int64_t i = 0; i < shape[0]; ++i) {
        quant::dequantize_row(
            *tensor.dtype, raw.view().as<std::byte>() + gguf_row(first + i, head_rows) * row_bytes,
            values.view().as<float>() + i * columns, columns);
      }
      if (options_.cancel != nullptr && *options_.cancel) {
        return make_error(Code::Cancelled, "stopped; nothing was written");
      }
      const TensorView from{values.view().data, DType::F32, shape},
          to{out.view().data, dtype, shape};
      VERGE_RETURN_IF_ERROR(quant::quantize(from, to, {}, pool_));
      VERGE_RETURN_IF_ERROR(sink({to.as<const std::byte>(), static_cast<size_t>(to.bytes())}));
      done_bytes_ += to.bytes();
      if (options_.on_progress) options_.on_progress(done_bytes_, all_bytes_);
    }
    return {};
  }

  const format::ModelSource& source_;
  const FolderOptions& options_;
  ThreadPool& pool_;
  format::SafetensorsWriter writer_;
  int64_t done_bytes_ = 0;
  int64_t all_bytes_ = 0;
};

}  // namespace

Status write_hf_folder(const format::ModelSource& source, const std::string& folder,
                       const FolderOptions& options, ThreadPool& pool) {
  VERGE_TRY(AtomicFolder out, AtomicFolder::create(folder));
  VERGE_RETURN_IF_ERROR(FolderWriter(source, options, pool).write(out.path()));
  return out.commit();
}

}  // namespace verge::model
