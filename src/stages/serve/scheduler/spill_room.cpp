#include <algorithm>

#include <verge/core/units.hpp>
#include <verge/stages/serve/scheduler/spill_room.hpp>

namespace verge::serve {

Spilled::Spilled(SpillRoom& room, int64_t expected_bytes)
    : room_(room), is_for_file_(room.memory_bytes_ + expected_bytes > room.memory_limit_) {
  if (!is_for_file_) memory_.reserve(static_cast<size_t>(expected_bytes));
}

Spilled::~Spilled() {
  (file_ ? room_.file_bytes_ : room_.memory_bytes_) -= bytes_;
}

Status Spilled::move_to_file() {
  VERGE_TRY(ScratchFile file, ScratchFile::create(room_.folder_));
  VERGE_RETURN_IF_ERROR(file.append(memory_));
  memory_ = {};
  is_for_file_ = true;
  file_ = std::move(file);
  room_.memory_bytes_ -= bytes_;
  room_.file_bytes_ += bytes_;
  return {};
}

Status Spilled::append(std::span<const std::byte> bytes) {
  const auto more = static_cast<int64_t>(bytes.size());
  if (!is_for_file_ && room_.memory_bytes_ + more <= room_.memory_limit_) {
    memory_.insert(memory_.end(), bytes.begin(), bytes.end());
    room_.memory_bytes_ += more;
    bytes_ += more;
    return {};
  }
  if (room_.folder_.empty()) {
    return make_error(Code::OutOfMemory,
                      "{} put aside exceed the {} allowed in memory; name a folder for the rest",
                      show_bytes(bytes_ + more), show_bytes(room_.memory_limit_));
  }
  const int64_t moved = file_ ? 0 : bytes_;
  if (more > room_.file_limit_ - room_.file_bytes_ - moved) {
    return make_error(Code::OutOfMemory, "{}: {} put aside are all that is allowed there",
                      room_.folder_, show_bytes(room_.file_limit_));
  }
  if (!file_) VERGE_RETURN_IF_ERROR(move_to_file());
  VERGE_RETURN_IF_ERROR(file_->append(bytes));
  room_.file_bytes_ += more;
  bytes_ += more;
  return {};
}

Status Spilled::read(uint64_t offset, std::span<std::byte> bytes) const {
  VERGE_CHECK(offset + bytes.size() <= static_cast<uint64_t>(bytes_), offset, bytes.size(), bytes_);
  if (file_) return file_->read(offset, bytes);
  std::copy_n(memory_.begin() + static_cast<int64_t>(offset), bytes.size(), bytes.begin());
  return {};
}

}  // namespace verge::serve
