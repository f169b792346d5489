#include <algorithm>
#include <filesystem>
#include <ostream>

#include <verge/cli/kernel_times.hpp>
#include <verge/cli/user_folder.hpp>
#include <verge/core/machine.hpp>

namespace verge::cli {
namespace {

runtime::KernelChoices known_in(const std::string& path) {
  if (path.empty()) return {};
  Result<runtime::KernelChoices> known = runtime::KernelChoices::read(path);
  return known ? *std::move(known) : runtime::KernelChoices();
}

}  // namespace

std::string kernel_times_path() {
  const std::string folder = user_folder("XDG_CACHE_HOME", ".cache");
  return folder.empty() ? "" : folder + "/kernels";
}

KernelTimes::KernelTimes(std::string path, ThreadPool& pool, kernels::Isa isa, const Clock& clock)
    : path_(std::move(path)),
      chooser_(known_in(path_), runtime::machine_of(processor_name(), isa, pool.size()), pool, isa,
               clock) {}

void KernelTimes::keep() const {
  if (path_.empty() || !chooser_.has_measured()) return;
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
  (void)chooser_.known().write(path_);
}

nlohmann::ordered_json kernel_times_json(const runtime::KernelChooser& chooser) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [call, times] : chooser.asked()) {
    nlohmann::ordered_json seconds;
    for (const runtime::ChoiceTime& time : times) seconds[time.choice] = time.seconds;
    list.push_back({{"call", call}, {"seconds", seconds}});
  }
  return list;
}

void print_kernel_times(const runtime::KernelChooser& chooser, std::ostream& out) {
  out << "\nkernels, timed on this machine\n";
  for (auto [call, times] : chooser.asked()) {
    std::ranges::sort(times, {}, &runtime::ChoiceTime::seconds);
    for (const runtime::ChoiceTime& time : times) {
      out << fmt::format("{:<10} {:>9.3f} ms  ", time.choice, time.seconds * 1e3);
    }
    out << call << "\n";
  }
}

}  // namespace verge::cli
