#include <algorithm>

#include <verge/core/checksum.hpp>
#include <verge/platform/net/codec/tensor_codec.hpp>
#include <verge/stages/serve/collab/spilled_states.hpp>

namespace verge::serve {

bool SpilledStates::has(int64_t position) const {
  return position < std::ssize(piece_of_) && piece_of_[static_cast<size_t>(position)] >= 0;
}

Status SpilledStates::append(Piece piece, std::span<const std::byte> bytes) {
  if (!bytes_) bytes_ = spill_.room->open();
  piece.offset = static_cast<uint64_t>(bytes_->bytes());
  const auto end = static_cast<size_t>(piece.position + piece.rows);
  if (piece_of_.size() < end) piece_of_.resize(end, -1);
  pieces_.push_back(std::move(piece));
  const Status status = bytes_->append(bytes);
  if (!status) {
    pieces_.pop_back();
    if (status.error().code != Code::OutOfMemory) forget(0);
    return status;
  }
  std::fill_n(piece_of_.begin() + pieces_.back().position, pieces_.back().rows,
              static_cast<int32_t>(pieces_.size()) - 1);
  return {};
}

Status SpilledStates::put(int64_t position, std::span<const float> rows, int64_t prompt_end) {
  const auto count = static_cast<int64_t>(rows.size()) / width_;
  auto packed = net::pack(spill_.codec, rows, {count, width_});
  if (!packed) packed = net::pack("f32", rows, {count, width_});
  if (!packed) return packed.error();
  return append(
      {position, count, prompt_end, packed->codec, 0, packed->data.size(), checksum(packed->data)},
      packed->data);
}

Status SpilledStates::restore(size_t piece, int64_t from, int64_t to, const Visit& visit) const {
  const Piece& of = pieces_[piece];
  PackedTensor packed{of.codec, {of.rows, width_}, std::vector<std::byte>(of.bytes)};
  VERGE_RETURN_IF_ERROR(bytes_->read(of.offset, packed.data));
  if (checksum(packed.data) != of.checksum) {
    return make_error(Code::Malformed, "{}: states put aside have changed; check the disk",
                      spill_.room->folder());
  }
  VERGE_TRY(const std::vector<float> rows, net::unpack(packed, of.rows * width_));
  for (int64_t row = 0; row < of.rows; ++row) {
    const int64_t position = of.position + row;
    if (position < from || position >= to || !has(position)) continue;
    if (piece_of_[static_cast<size_t>(position)] != static_cast<int32_t>(piece)) continue;
    visit(position,
          std::span(rows).subspan(static_cast<size_t>(row * width_), static_cast<size_t>(width_)),
          of.prompt_end);
  }
  return {};
}

Status SpilledStates::restore(int64_t from, int64_t to, const Visit& visit) const {
  for (size_t piece = 0; piece < pieces_.size(); ++piece) {
    const Piece& of = pieces_[piece];
    if (of.position + of.rows <= from || of.position >= to) continue;
    VERGE_RETURN_IF_ERROR(restore(piece, from, to, visit));
  }
  return {};
}

void SpilledStates::forget(int64_t position) {
  if (position >= std::ssize(piece_of_)) return;
  piece_of_.resize(static_cast<size_t>(position));
  if (std::ranges::any_of(piece_of_, [](int32_t piece) { return piece >= 0; })) return;
  piece_of_.clear();
  pieces_.clear();
  bytes_.reset();
}

}  // namespace verge::serve
