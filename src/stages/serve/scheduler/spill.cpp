#include <algorithm>

#include <verge/core/checksum.hpp>
#include <verge/core/units.hpp>
#include <verge/stages/serve/scheduler/spill.hpp>

namespace verge::serve {
namespace {

// Calls visit(bytes) for the used pages of every layer until one fails.
template <typename Visit>
Status each_page(const runtime::Sequence& sequence, Visit visit) {
  const runtime::Decoder& decoder = sequence.decoder();
  for (int64_t layer = 0; layer < decoder.layers; ++layer) {
    for (const int32_t page : sequence.pages()) {
      VERGE_RETURN_IF_ERROR(visit(runtime::page_bytes(decoder, layer, page)));
    }
  }
  return {};
}

int64_t bytes_of(const runtime::Sequence& sequence) {
  if (sequence.pages().empty()) return 0;
  const runtime::Decoder& decoder = sequence.decoder();
  const auto page = runtime::page_bytes(decoder, 0, sequence.pages()[0]).size();
  return decoder.layers * static_cast<int64_t>(sequence.pages().size() * page);
}

}  // namespace

Spill::~Spill() {
  (file_ ? store_.file_bytes_ : store_.memory_bytes_) -= bytes_;
}

Result<std::unique_ptr<Spill>> SpillStore::put(const runtime::Sequence& sequence) {
  auto spill = std::make_unique<Spill>(*this, sequence.tokens());
  VERGE_RETURN_IF_ERROR(fill(*spill, sequence));
  return spill;
}

Status SpillStore::fill(Spill& spill, const runtime::Sequence& sequence) {
  const int64_t bytes = bytes_of(sequence);
  const bool in_memory = memory_bytes_ + bytes <= memory_limit_;
  if (in_memory) {
    spill.memory_.reserve(static_cast<size_t>(bytes));
  } else if (folder_.empty()) {
    return make_error(Code::OutOfMemory,
                      "{} of a sequence put aside exceed the {} allowed in memory; name a folder "
                      "for the rest",
                      show_bytes(bytes), show_bytes(memory_limit_));
  } else {
    VERGE_TRY(spill.file_, ScratchFile::create(folder_));
  }
  Checksum sum;
  VERGE_RETURN_IF_ERROR(each_page(sequence, [&](std::span<const std::byte> page) -> Status {
    sum.add(page);
    if (!in_memory) return spill.file_->append(page);
    spill.memory_.insert(spill.memory_.end(), page.begin(), page.end());
    return {};
  }));
  spill.checksum_ = sum.value();
  spill.bytes_ = bytes;
  (in_memory ? memory_bytes_ : file_bytes_) += bytes;
  return {};
}

Status SpillStore::read_pages(const Spill& spill, runtime::Sequence& sequence) {
  VERGE_RETURN_IF_ERROR(sequence.reserve(spill.length()));
  Checksum sum;
  uint64_t offset = 0;
  VERGE_RETURN_IF_ERROR(each_page(sequence, [&](std::span<std::byte> page) -> Status {
    if (spill.file_) {
      VERGE_RETURN_IF_ERROR(spill.file_->read(offset, page));
    } else {
      std::copy_n(spill.memory_.begin() + static_cast<int64_t>(offset), page.size(), page.begin());
    }
    sum.add(page);
    offset += page.size();
    return {};
  }));
  if (sum.value() == spill.checksum_) return {};
  return make_error(Code::Malformed, "{}: a sequence put aside has changed; check the disk",
                    folder_);
}

Status SpillStore::restore(const Spill& spill, runtime::Sequence& sequence) {
  const Status status = read_pages(spill, sequence);
  if (status) {
    sequence.extend(spill.tokens_);
  } else {
    sequence.release_pages_after(0);
  }
  return status;
}

}  // namespace verge::serve
