#include <verge/core/checksum.hpp>
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

Result<std::unique_ptr<Spill>> SpillStore::put(const runtime::Sequence& sequence) {
  auto spill = std::make_unique<Spill>();
  spill->tokens_ = sequence.tokens();
  spill->pages_ = room_.open(bytes_of(sequence));
  Checksum sum;
  VERGE_RETURN_IF_ERROR(each_page(sequence, [&](std::span<const std::byte> page) {
    sum.add(page);
    return spill->pages_->append(page);
  }));
  spill->checksum_ = sum.value();
  return spill;
}

Status SpillStore::read_pages(const Spill& spill, runtime::Sequence& sequence) {
  VERGE_RETURN_IF_ERROR(sequence.reserve(spill.length()));
  Checksum sum;
  uint64_t offset = 0;
  VERGE_RETURN_IF_ERROR(each_page(sequence, [&](std::span<std::byte> page) -> Status {
    VERGE_RETURN_IF_ERROR(spill.pages_->read(offset, page));
    sum.add(page);
    offset += page.size();
    return {};
  }));
  if (sum.value() == spill.checksum_) return {};
  return make_error(Code::Malformed, "{}: a sequence put aside has changed; check the disk",
                    room_.folder());
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
