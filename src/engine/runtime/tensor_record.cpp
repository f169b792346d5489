#include <algorithm>

#include <verge/engine/runtime/tensor_record.hpp>

namespace verge::runtime {

bool TensorHeader::fits(const TensorView& view) const {
  return dtype == static_cast<uint32_t>(view.dtype) &&
         std::ranges::equal(extents, view.shape.extents());
}

void write_header(CheckedWriter& writer, std::string_view name, const TensorView& view) {
  writer.text(name);
  writer.number(static_cast<uint32_t>(view.dtype));
  writer.number(static_cast<uint32_t>(view.shape.rank()));
  for (int64_t extent : view.shape.extents()) writer.number(extent);
}

void write_tensor(CheckedWriter& writer, std::string_view name, const TensorView& view) {
  write_header(writer, name, view);
  writer.bytes(stored_bytes(view));
}

TensorHeader read_header(CheckedReader& reader) {
  TensorHeader header;
  header.name = reader.text();
  header.dtype = reader.number<uint32_t>();
  for (auto left = reader.number<uint32_t>(); left > 0 && reader.good(); --left) {
    header.extents.push_back(reader.number<int64_t>());
  }
  return header;
}

}  // namespace verge::runtime
