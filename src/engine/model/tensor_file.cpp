#include <algorithm>
#include <filesystem>
#include <set>

#include <verge/core/checksum.hpp>
#include <verge/engine/format/file_kind.hpp>
#include <verge/engine/format/gguf/reader.hpp>
#include <verge/engine/format/onnx/reader.hpp>
#include <verge/engine/format/safetensors/reader.hpp>
#include <verge/engine/model/tensor_file.hpp>

namespace verge::model {
namespace {

using format::onnx::ElementType;
using runtime::NamedTensors;

TensorView read_only(std::span<const std::byte> bytes, std::optional<DType> dtype,
                     const Shape& shape) {
  auto* data = const_cast<std::byte*>(bytes.data());
  const auto count = static_cast<int64_t>(bytes.size());
  if (dtype && bytes_of(*dtype, shape.count()) == count) return {data, *dtype, shape};
  return {data, DType::U8, {count}};
}

std::optional<DType> dtype_of(ElementType type) {
  switch (type) {
    case ElementType::Float:
      return DType::F32;
    case ElementType::Float16:
      return DType::F16;
    case ElementType::Bfloat16:
      return DType::BF16;
    case ElementType::Double:
      return DType::F64;
    case ElementType::Int8:
      return DType::I8;
    case ElementType::Int16:
      return DType::I16;
    case ElementType::Int32:
      return DType::I32;
    case ElementType::Int64:
      return DType::I64;
    default:
      return std::nullopt;
  }
}

Result<NamedTensors> initializers(std::span<const std::byte> bytes, const std::string& path) {
  VERGE_TRY(const auto file, format::onnx::Onnx::parse(bytes, path));
  NamedTensors tensors;
  for (const format::onnx::TensorData& tensor : file.model().graph.initializers) {
    if (tensor.external) {
      return make_error(Code::Unsupported,
                        "{}: values of {} lie in another file; write it whole by `verge model "
                        "export {} NEW.onnx --onnx`",
                        path, tensor.name, path);
    }
    if (tensor.owner != nullptr) continue;
    const bool has_shape = tensor.dims.size() <= Shape::kMaxRank;
    tensors.emplace_back(
        tensor.name, read_only(tensor.bytes, has_shape ? dtype_of(tensor.type) : std::nullopt,
                               has_shape ? Shape(std::span<const int64_t>(tensor.dims)) : Shape()));
  }
  return tensors;
}

Result<NamedTensors> tensors_in(std::span<const std::byte> bytes, const std::string& path) {
  using format::FileKind;
  const FileKind kind = format::recognize(bytes);
  if (kind == FileKind::Onnx || path.ends_with(".onnx")) return initializers(bytes, path);
  if (kind == FileKind::Gguf) {
    VERGE_TRY(const auto file, format::Gguf::parse(bytes, path));
    return views_of(file.tensors());
  }
  if (kind == FileKind::Safetensors) {
    VERGE_TRY(const auto file, format::Safetensors::parse(bytes, path));
    return views_of(file.tensors());
  }
  return format::wrong_kind(path, "GGUF, safetensors or ONNX", kind);
}

}  // namespace

NamedTensors views_of(std::span<const format::StoredTensor> stored) {
  NamedTensors tensors;
  for (const format::StoredTensor& tensor : stored) {
    tensors.emplace_back(tensor.name, read_only(tensor.bytes, tensor.dtype, tensor.shape));
  }
  return tensors;
}

Result<TensorFile> TensorFile::open(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return make_error(Code::Unsupported,
                      "{}: a folder, where one file is wanted; `verge quantize {} NEW.gguf F16` "
                      "makes one of a language model",
                      path, path);
  }
  VERGE_TRY(MappedFile mapped, MappedFile::open(path));
  VERGE_TRY(TensorFile file, parse(mapped.bytes(), path));
  file.file_ = std::move(mapped);
  return file;
}

Result<TensorFile> TensorFile::parse(std::span<const std::byte> bytes, const std::string& path) {
  TensorFile file;
  file.path_ = path;
  file.bytes_ = bytes;
  VERGE_TRY(file.tensors_, tensors_in(bytes, path));
  VERGE_RETURN_IF_ERROR(file.sort_tensors());
  return file;
}

Status TensorFile::sort_tensors() {
  std::erase_if(tensors_, [](const auto& tensor) { return tensor.second.bytes() == 0; });
  std::ranges::sort(tensors_, {}, [](const auto& tensor) { return tensor.second.data; });
  std::set<std::string_view> names;
  const std::byte* free = bytes_.data();
  for (const auto& [name, view] : tensors_) {
    const bool is_apart = view.as<std::byte>() >= free;
    if (!is_apart || !names.insert(name).second) {
      return make_error(Code::Unsupported,
                        "{}: tensor {} shares its {} with another; write it anew", path_, name,
                        is_apart ? "name" : "bytes");
    }
    free = view.as<std::byte>() + view.bytes();
  }
  return {};
}

std::span<const std::byte> TensorFile::gap(size_t i) const {
  const std::byte* begin = bytes_.data();
  if (i > 0) begin = tensors_[i - 1].second.as<std::byte>() + tensors_[i - 1].second.bytes();
  const std::byte* end = bytes_.data() + bytes_.size();
  if (i < tensors_.size()) end = tensors_[i].second.as<std::byte>();
  return {begin, end};
}

uint64_t TensorFile::gaps_hash() const {
  Checksum sum;
  for (size_t i = 0; i <= tensors_.size(); ++i) {
    const uint64_t length = gap(i).size();
    sum.add(std::as_bytes(std::span(&length, 1)));
    sum.add(gap(i));
  }
  return sum.value();
}

}  // namespace verge::model
