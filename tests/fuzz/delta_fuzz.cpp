// Any bytes as what a delta holds between magic word and checksum: what reads has slices that lie
// in their tensors, changes as many bytes as it has values, and is the base's or refused; what lies
// around the tensors stays within the file.

#include <cstdint>
#include <cstdlib>

#include <verge/engine/model/delta_surroundings.hpp>
#include <verge/engine/runtime/delta.hpp>

#include "delta_seed.hpp"

namespace {

using namespace verge;

constexpr int64_t kMostBytes = 1 << 20;

void apply(const runtime::TensorDelta& change) {
  const TensorView form{nullptr, change.dtype, change.shape};
  if (form.bytes() > kMostBytes) return;
  const Tensor tensor(change.dtype, change.shape);
  int64_t merged = 0;
  runtime::for_each_merged(tensor.view(), change.slices, change.values,
                           [&](std::span<const std::byte> piece) { merged += std::ssize(piece); });
  if (merged != tensor.view().bytes()) std::abort();
  runtime::apply_change(change, tensor.view());
  if (runtime::bytes_of(tensor.view(), change.slices) != std::ssize(change.values)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string file = delta_base(0, "base");
  static const auto base = model::TensorFile::parse(std::as_bytes(std::span(file)), "base");
  if (!base) std::abort();
  const auto delta = runtime::parse_delta(std::as_bytes(std::span(data, size)), "fuzzed");
  if (!delta) return delta.error().message.empty() ? -1 : 0;
  for (const runtime::TensorDelta& change : delta->changes) apply(change);
  const auto matched = runtime::match_delta(*delta, base->tensors());
  if (matched && matched->size() != base->tensors().size()) std::abort();
  const auto around = model::Surroundings::read(*delta, *base);
  if (!around) return 0;
  for (size_t i = 0; i < base->tensors().size(); ++i) {
    if (around->tensor(i) >= base->tensors().size()) std::abort();
  }
  return 0;
}
