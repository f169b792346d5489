#include <algorithm>

#include <verge/core/checksum.hpp>
#include <verge/engine/model/delta_surroundings.hpp>

namespace verge::model {
namespace {

using Bytes = std::vector<std::byte>;

template <typename T>
void append_number(Bytes& out, T value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// Of each of the tuned file's tensors the number of the base's with its name.
Result<std::vector<uint32_t>> order_between(const TensorFile& base, const TensorFile& tuned) {
  std::map<std::string_view, uint32_t> numbers;
  for (const auto& [name, view] : base.tensors()) {
    numbers.emplace(name, static_cast<uint32_t>(numbers.size()));
  }
  std::vector<uint32_t> order;
  for (const auto& [name, view] : tuned.tensors()) {
    const auto at = numbers.find(name);
    if (at == numbers.end()) {
      return make_error(Code::InvalidArgument,
                        "{}: tensor {} is not in {}; a delta is of one model before and after",
                        tuned.path(), name, base.path());
    }
    order.push_back(at->second);
  }
  if (order.size() == numbers.size()) return order;
  return make_error(Code::InvalidArgument,
                    "{} has {} tensors, {} has {}; a delta is of one model before and after",
                    tuned.path(), order.size(), base.path(), numbers.size());
}

void append_patch(Bytes& out, size_t number, std::span<const std::byte> before,
                  std::span<const std::byte> now) {
  const size_t shorter = std::min(before.size(), now.size());
  size_t same_before = 0, same_behind = 0;
  while (same_before < shorter && before[same_before] == now[same_before]) ++same_before;
  while (same_behind < shorter - same_before &&
         before[before.size() - 1 - same_behind] == now[now.size() - 1 - same_behind]) {
    ++same_behind;
  }
  const auto changed = now.subspan(same_before, now.size() - same_before - same_behind);
  append_number<uint64_t>(out, number);
  append_number<uint64_t>(out, same_before);
  append_number<uint64_t>(out, same_behind);
  append_number<uint64_t>(out, changed.size());
  out.insert(out.end(), changed.begin(), changed.end());
}

Error damaged_surroundings(const std::string& path, std::string_view what) {
  return make_error(Code::Malformed, "{}: {}; make the delta anew or use a copy", path, what);
}

}  // namespace

Result<std::vector<std::byte>> surroundings_between(const TensorFile& base,
                                                    const TensorFile& tuned) {
  VERGE_TRY(const std::vector<uint32_t> order, order_between(base, tuned));
  const bool is_same_order = std::ranges::is_sorted(order);
  Bytes out;
  append_number(out, base.gaps_hash());
  append_number(out, tuned.gaps_hash());
  append_number<uint64_t>(out, is_same_order ? 0 : order.size());
  if (!is_same_order) {
    for (const uint32_t number : order) append_number(out, number);
  }
  std::vector<size_t> changed;
  for (size_t i = 0; i <= order.size(); ++i) {
    if (!std::ranges::equal(base.gap(i), tuned.gap(i))) changed.push_back(i);
  }
  append_number<uint64_t>(out, changed.size());
  for (const size_t i : changed) append_patch(out, i, base.gap(i), tuned.gap(i));
  return out;
}

Result<Surroundings> Surroundings::read(const runtime::Delta& delta, const TensorFile& base) {
  Surroundings result(base);
  if (delta.surroundings.empty()) return result;
  runtime::CheckedReader reader(delta.surroundings);
  const auto of_base = reader.number<uint64_t>(), of_result = reader.number<uint64_t>();
  if (reader.good() && of_base != base.gaps_hash()) {
    return make_error(
        Code::Conflict,
        "{}: {} has the base's tensors, but other metadata or another layout; use the "
        "file that the delta was made against",
        delta.path, base.path());
  }
  VERGE_RETURN_IF_ERROR(result.read_order(reader, delta.path));
  VERGE_RETURN_IF_ERROR(result.read_patches(reader, delta.path));
  const bool is_whole = reader.good();
  reader.bytes(1);
  if (!is_whole || reader.good()) {
    return damaged_surroundings(delta.path, "what lies around the tensors is cut off or too long");
  }
  if (result.hash() != of_result) {
    return damaged_surroundings(delta.path, "the metadata are not what the delta promises");
  }
  return result;
}

Status Surroundings::read_order(runtime::CheckedReader& reader, const std::string& path) {
  const auto count = reader.number<uint64_t>();
  if (count == 0) return {};
  const size_t tensors = base_->tensors().size();
  if (count != tensors) {
    return damaged_surroundings(path, fmt::format("an order of {} of {} tensors", count, tensors));
  }
  std::vector<bool> is_taken(tensors);
  for (uint64_t i = 0; i < count && reader.good(); ++i) {
    const auto number = reader.number<uint32_t>();
    if (number >= tensors || is_taken[number]) {
      return damaged_surroundings(path, fmt::format("tensor {} is twice in the order", number));
    }
    is_taken[number] = true;
    order_.push_back(number);
  }
  return {};
}

Status Surroundings::read_patches(runtime::CheckedReader& reader, const std::string& path) {
  auto left = reader.number<uint64_t>();
  for (; left > 0 && reader.good(); --left) {
    const auto number = reader.number<uint64_t>();
    Patch patch{reader.number<uint64_t>(), reader.number<uint64_t>(), {}};
    patch.bytes = reader.bytes(reader.number<uint64_t>());
    if (!reader.good()) break;
    const bool is_known = number <= base_->tensors().size() && !patches_.contains(number);
    const uint64_t room = is_known ? base_->gap(number).size() : 0;
    if (!is_known || patch.before > room || patch.behind > room - patch.before) {
      return damaged_surroundings(path, fmt::format("gap {} keeps {} and {} of {} bytes", number,
                                                    patch.before, patch.behind, room));
    }
    patches_.emplace(number, patch);
  }
  return {};
}

uint64_t Surroundings::hash() const {
  Checksum sum;
  for (size_t i = 0; i <= base_->tensors().size(); ++i) {
    uint64_t length = 0;
    for_each_piece(i, [&](std::span<const std::byte> piece) { length += piece.size(); });
    sum.add(std::as_bytes(std::span(&length, 1)));
    for_each_piece(i, [&](std::span<const std::byte> piece) { sum.add(piece); });
  }
  return sum.value();
}

}  // namespace verge::model
