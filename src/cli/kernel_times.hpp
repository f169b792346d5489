#pragma once
// What commands keep of measured kernels: a file in the user's cache folder, and how it is shown.

#include <iosfwd>
#include <string>

#include <nlohmann/json.hpp>

#include <verge/engine/runtime/kernel_chooser.hpp>

namespace verge::cli {

/// $XDG_CACHE_HOME/verge/kernels, or below ~/.cache; empty where neither is set.
std::string kernel_times_path();

class KernelTimes {
 public:
  /// Reads what is known; a file that is missing, damaged or of another version counts as none.
  KernelTimes(std::string path, ThreadPool& pool, kernels::Isa isa, const Clock& clock);

  runtime::KernelChooser& chooser() { return chooser_; }
  /// Writes what was measured since. It is measured again next time where it cannot be written.
  void keep() const;

 private:
  std::string path_;
  runtime::KernelChooser chooser_;
};

/// [{"call", "seconds": {"direct": ..., ...}}, ...] of the calls that had a choice.
nlohmann::ordered_json kernel_times_json(const runtime::KernelChooser& chooser);
/// A line for each of them, the fastest way first.
void print_kernel_times(const runtime::KernelChooser& chooser, std::ostream& out);

}  // namespace verge::cli
