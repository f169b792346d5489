#include <algorithm>
#include <filesystem>
#include <fstream>

#include <verge/engine/runtime/delta_file.hpp>

namespace verge::runtime {
namespace {

constexpr std::string_view kDeltaMagic = "VERGEDLT";
constexpr uint32_t kWholeTensors = 1, kSlices = 2;  // versions
constexpr int64_t kMostValues = int64_t{1} << 56;   // of a tensor: its bytes can be counted

Error damaged(const std::string& path, std::string_view what) {
  return make_error(Code::Malformed, "{}: {}; make the delta anew or use a copy", path, what);
}

class DeltaReader {
 public:
  DeltaReader(std::span<const std::byte> content, std::string path) : reader_(content) {
    delta_.path = std::move(path);
  }

  Result<Delta> read() {
    VERGE_RETURN_IF_ERROR(read_head());
    const auto count = reader_.number<uint64_t>();
    VERGE_RETURN_IF_ERROR(check_size(count));
    for (uint64_t i = 0; i < count && reader_.good(); ++i) VERGE_RETURN_IF_ERROR(read_change());
    if (has_slices()) delta_.surroundings = reader_.bytes(reader_.number<uint64_t>());
    if (!reader_.good()) return damaged(delta_.path, "the delta is cut off");
    reader_.bytes(1);
    if (reader_.good()) return damaged(delta_.path, "more follows its end");
    return std::move(delta_);
  }

 private:
  bool has_slices() const { return delta_.head.version == kSlices; }

  Status check_size(uint64_t changes) {
    const DeltaHead& head = delta_.head;
    if (!reader_.good() || !head.has_size()) return {};
    if (changes <= head.tensors && head.model_bytes <= uint64_t{INT64_MAX}) return {};
    return damaged(delta_.path, fmt::format("{} of {} tensors changed, of {} bytes", changes,
                                            head.tensors, head.model_bytes));
  }

  Status read_head() {
    DeltaHead& head = delta_.head;
    head.version = reader_.number<uint32_t>();
    if (reader_.good() && head.version != kSlices && head.version != kWholeTensors) {
      return make_error(Code::Unsupported,
                        "{}: version {} of the format, this build reads up to {}; make the delta "
                        "anew, or use a newer Verge",
                        delta_.path, head.version, kSlices);
    }
    head.base = reader_.number<uint64_t>();
    head.result = reader_.number<uint64_t>();
    if (!has_slices()) return {};
    head.tensors = reader_.number<uint64_t>();
    head.model_bytes = reader_.number<uint64_t>();
    return {};
  }

  Status read_change() {
    TensorDelta change;
    VERGE_RETURN_IF_ERROR(read_form(change));
    const TensorView form{nullptr, change.dtype, change.shape};
    if (has_slices()) VERGE_RETURN_IF_ERROR(read_slices(form, change));
    change.values = reader_.bytes(static_cast<uint64_t>(bytes_of(form, change.slices)));
    if (reader_.good()) delta_.changes.push_back(std::move(change));
    return {};
  }

  Status read_form(TensorDelta& change) {
    const TensorHeader header = read_header(reader_);
    if (!reader_.good()) return {};
    change.name = header.name;
    if (!delta_.changes.empty() && delta_.changes.back().name >= change.name) {
      return damaged(delta_.path,
                     fmt::format("tensor {} is twice in it or out of order", change.name));
    }
    const DTypeRange types = all_dtypes();
    const auto* type = std::find_if(types.begin(), types.end(), [&](const DTypeInfo& known) {
      return static_cast<uint32_t>(known.dtype) == header.dtype;
    });
    bool is_sound = type != types.end() && header.extents.size() <= Shape::kMaxRank;
    int64_t count = 1;
    for (const int64_t extent : header.extents) {
      is_sound = is_sound && extent > 0 && extent <= kMostValues / count;
      if (is_sound) count *= extent;
    }
    const int64_t row = header.extents.empty() ? 1 : header.extents.back();
    if (!is_sound || row % type->block_size != 0) {
      return damaged(delta_.path,
                     fmt::format("tensor {} is of type {} and extents [{}]", change.name,
                                 header.dtype, fmt::join(header.extents, ", ")));
    }
    change.dtype = type->dtype;
    change.shape = Shape(std::span<const int64_t>(header.extents));
    return {};
  }

  Status read_slices(const TensorView& form, TensorDelta& change) {
    TensorSlices& slices = change.slices;
    slices.axis = reader_.number<int32_t>();
    const auto runs = reader_.number<uint64_t>();
    if (!reader_.good()) return {};
    if (slices.axis < TensorSlices::kWhole || slices.axis >= form.shape.rank() ||
        slices.is_whole() != (runs == 0)) {
      return damaged(delta_.path, fmt::format("tensor {} has {} runs along axis {} of {}",
                                              change.name, runs, slices.axis, form.shape.str()));
    }
    const int64_t extent = slices.is_whole() ? 0 : axis_layout(form, slices.axis).count;
    int64_t free = 0;  // from here on
    for (uint64_t i = 0; i < runs && reader_.good(); ++i) {
      const SliceRun run{reader_.number<uint32_t>(), reader_.number<uint32_t>()};
      if (!reader_.good()) break;
      const int64_t end = int64_t{run.begin} + run.count;
      if (run.count == 0 || run.begin < free || end > extent) {
        return damaged(delta_.path,
                       fmt::format("tensor {} has slices {} to {} along axis {} of {}, behind {}",
                                   change.name, run.begin, end, slices.axis, extent, free));
      }
      free = end;
      slices.runs.push_back(run);
    }
    return {};
  }

  CheckedReader reader_;
  Delta delta_;
};

void write_change(CheckedWriter& writer, const ChangedTensor& change) {
  write_header(writer, change.name, change.view);
  writer.number<int32_t>(change.slices.axis);
  writer.number<uint64_t>(change.slices.runs.size());
  for (const SliceRun& run : change.slices.runs) {
    writer.number(run.begin);
    writer.number(run.count);
  }
  const auto bytes = stored_bytes(change.view);
  std::vector<std::byte> values;  // together: a piece may be a few bytes, each write a call
  for_each_piece(change.view, change.slices, [&](int64_t offset, int64_t length) {
    const auto piece = bytes.subspan(static_cast<size_t>(offset), static_cast<size_t>(length));
    if (std::ssize(piece) == change.view.bytes()) return writer.bytes(piece);
    values.insert(values.end(), piece.begin(), piece.end());
  });
  writer.bytes(values);
}

}  // namespace

bool is_delta(const std::string& path) {
  std::string head(kDeltaMagic.size(), '\0');
  std::ifstream file(path, std::ios::binary);
  return file.read(head.data(), std::ssize(head)) && head == kDeltaMagic;
}

Result<Delta> parse_delta(std::span<const std::byte> content, std::string path) {
  return DeltaReader(content, std::move(path)).read();
}

Result<DeltaFile> open_delta(const std::string& path) {
  VERGE_TRY(MappedFile file, MappedFile::open(path));
  VERGE_TRY(const auto content, checked_content(file, kDeltaMagic));
  VERGE_TRY(Delta delta, parse_delta(content, path));
  return DeltaFile{std::move(file), std::move(delta)};
}

Result<uint64_t> write_delta_file(const std::string& path, const DeltaHead& head,
                                  const std::vector<ChangedTensor>& changes,
                                  std::span<const std::byte> surroundings) {
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  CheckedWriter writer(std::move(file), kDeltaMagic);
  writer.number(kSlices);
  writer.number(head.base);
  writer.number(head.result);
  writer.number(head.tensors);
  writer.number(head.model_bytes);
  writer.number<uint64_t>(changes.size());
  for (const ChangedTensor& change : changes) write_change(writer, change);
  writer.number<uint64_t>(surroundings.size());
  writer.bytes(surroundings);
  VERGE_RETURN_IF_ERROR(writer.finish());
  return std::filesystem::file_size(path);
}

}  // namespace verge::runtime
