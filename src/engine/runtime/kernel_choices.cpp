#include <cmath>

#include <verge/core/archive.hpp>
#include <verge/engine/runtime/checked_file.hpp>
#include <verge/engine/runtime/kernel_choices.hpp>

namespace verge::runtime {
namespace {

constexpr std::string_view kMagic = "VERGEKCH";
constexpr uint32_t kVersion = 1;

struct Entry {
  std::string machine, call;
  std::vector<ChoiceTime> times;
};

template <typename Archive>
void archive(Archive& a, std::vector<Entry>& entries) {
  a.list(entries, 24, [&](Entry& entry) {
    a.text(entry.machine);
    a.text(entry.call);
    a.list(entry.times, 16, [&](ChoiceTime& time) {
      a.text(time.choice);
      a.number(time.seconds);
    });
  });
}

}  // namespace

const std::vector<ChoiceTime>* KernelChoices::find(std::string_view machine,
                                                   std::string_view call) const {
  const auto calls = machines_.find(machine);
  if (calls == machines_.end()) return nullptr;
  const auto at = calls->second.find(call);
  return at == calls->second.end() ? nullptr : &at->second;
}

void KernelChoices::add(const std::string& machine, const std::string& call,
                        std::vector<ChoiceTime> times) {
  machines_[machine][call] = std::move(times);
}

std::vector<std::byte> KernelChoices::content() const {
  std::vector<Entry> entries;
  for (const auto& [machine, calls] : machines_) {
    for (const auto& [call, times] : calls) entries.push_back({machine, call, times});
  }
  ArchiveWriter writer;
  uint32_t version = kVersion;
  writer.number(version);
  archive(writer, entries);
  return {writer.bytes().begin(), writer.bytes().end()};
}

Result<KernelChoices> KernelChoices::parse(std::span<const std::byte> content) {
  ArchiveReader reader(content);
  uint32_t version = 0;
  reader.number(version);
  if (reader.good() && version != kVersion) {
    return make_error(Code::Unsupported, "version {} of the format, this build reads {}", version,
                      kVersion);
  }
  std::vector<Entry> entries;
  archive(reader, entries);
  if (!reader.done()) return make_error(Code::Malformed, "cut off, or followed by more");
  KernelChoices choices;
  for (Entry& entry : entries) {
    for (const ChoiceTime& time : entry.times) {
      if (std::isfinite(time.seconds) && time.seconds >= 0) continue;
      return make_error(Code::Malformed, "{} took {} seconds", time.choice, time.seconds);
    }
    choices.add(entry.machine, entry.call, std::move(entry.times));
  }
  return choices;
}

Status KernelChoices::write(const std::string& path) const {
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  CheckedWriter writer(std::move(file), kMagic);
  writer.bytes(content());
  return writer.finish();
}

Result<KernelChoices> KernelChoices::read(const std::string& path) {
  VERGE_TRY(const MappedFile file, MappedFile::open(path));
  VERGE_TRY(const auto content, checked_content(file, kMagic));
  Result<KernelChoices> choices = parse(content);
  if (choices) return choices;
  return make_error(choices.error().code, "{}: {}", path, choices.error().message);
}

}  // namespace verge::runtime
