#include <algorithm>
#include <ostream>

#include <verge/cli/delta_report.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/core/units.hpp>

namespace verge::cli {
namespace {

using runtime::Delta;
using runtime::TensorDelta;

int64_t slices_of_axis(const TensorDelta& change) {
  return runtime::axis_layout({nullptr, change.dtype, change.shape}, change.slices.axis).count;
}

Json change_json(const TensorDelta& change) {
  Json json = {{"name", change.name},
               {"type", name(change.dtype)},
               {"shape", change.shape.extents()},
               {"bytes", change.values.size()}};
  if (change.slices.is_whole()) return json;
  json["axis"] = change.slices.axis;
  json["slices"] = change.slices.count();
  json["slices_of_axis"] = slices_of_axis(change);
  json["runs"] = change.slices.runs.size();
  return json;
}

std::string show_slices(const TensorDelta& change) {
  if (change.slices.is_whole()) return "whole";
  return fmt::format("{} of {} along axis {}", change.slices.count(), slices_of_axis(change),
                     change.slices.axis);
}

void print_delta_json(const runtime::DeltaFile& file, std::ostream& out) {
  const Delta& delta = file.delta;
  Json json = {{"file", delta.path},
               {"format", "delta"},
               {"version", delta.head.version},
               {"base_xxh3", fmt::format("{:016x}", delta.head.base)},
               {"result_xxh3", fmt::format("{:016x}", delta.head.result)},
               {"metadata_bytes", delta.surroundings.size()}};
  json.update(size_json(runtime::size_of(file)));
  Json changes = Json::array();
  for (const TensorDelta& change : delta.changes) changes.push_back(change_json(change));
  json["changes"] = changes;
  print_json_line(json, out);
}

void print_delta_text(const runtime::DeltaFile& file, std::ostream& out) {
  const Delta& delta = file.delta;
  out << fmt::format("{}: delta, version {}, {}\n", delta.path, delta.head.version,
                     show_size(runtime::size_of(file)));
  out << fmt::format("base      {:016x}\nresult    {:016x}\n", delta.head.base, delta.head.result);
  out << fmt::format("metadata  {}\n", delta.surroundings.empty()
                                           ? "the base's"
                                           : show_bytes(std::ssize(delta.surroundings)));
  out << fmt::format("\n{:<32} {:<8} {:<20} {:<26} {:>12}\n", "tensor", "type", "shape", "slices",
                     "bytes");
  for (const TensorDelta& change : delta.changes) {
    out << fmt::format("{:<32} {:<8} {:<20} {:<26} {:>12}\n", change.name, name(change.dtype),
                       change.shape.str(), show_slices(change), change.values.size());
  }
}

}  // namespace

std::string show_size(const runtime::DeltaSize& size) {
  if (size.tensors == 0) {  // as of version 1
    return fmt::format("{} tensors changed, {}", size.changed, show_bytes(size.bytes));
  }
  const double share = 100 * static_cast<double>(size.bytes) /
                       static_cast<double>(std::max<int64_t>(1, size.model_bytes));
  return fmt::format("{} of {} tensors changed, {} of {} ({:.1f} %)", size.changed, size.tensors,
                     show_bytes(size.bytes), show_bytes(size.model_bytes), share);
}

Json size_json(const runtime::DeltaSize& size) {
  return {{"changed_tensors", size.changed},
          {"tensors", size.tensors},
          {"changed_bytes", size.bytes},
          {"model_bytes", size.model_bytes},
          {"delta_file_bytes", size.file_bytes}};
}

Status inspect_delta(const std::string& path, Context& context) {
  VERGE_TRY(const runtime::DeltaFile file, runtime::open_delta(path));
  if (context.json) {
    print_delta_json(file, context.out);
  } else {
    print_delta_text(file, context.out);
  }
  return {};
}

runtime::DeltaWatch delta_watch(Progress& progress, const Clock& clock) {
  return {byte_progress(progress, clock), &catch_interrupts()};
}

}  // namespace verge::cli
