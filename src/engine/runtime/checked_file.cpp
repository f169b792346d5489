#include <verge/engine/runtime/checked_file.hpp>

namespace verge::runtime {

Result<std::span<const std::byte>> checked_content(const MappedFile& file, std::string_view magic) {
  const auto all = file.bytes();
  uint64_t stored = 0;
  const bool long_enough = all.size() >= magic.size() + sizeof(stored);
  if (!long_enough || std::memcmp(all.data(), magic.data(), magic.size()) != 0) {
    return make_error(Code::Malformed, "{}: does not begin with {}; not a file of this kind",
                      file.path(), magic);
  }
  const auto content = all.first(all.size() - sizeof(stored));
  std::memcpy(&stored, all.data() + content.size(), sizeof(stored));
  if (checksum(content) != stored) {
    return make_error(Code::Malformed,
                      "{}: the checksum is wrong, the file is damaged; start anew or use a copy",
                      file.path());
  }
  return content.subspan(magic.size());
}

}  // namespace verge::runtime
