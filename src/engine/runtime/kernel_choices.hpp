#pragma once
// KernelChoices: how fast each way of running a call is, as measured on machines that are told
// apart by a name; and the file that keeps it. Every byte of a file is distrusted.

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::runtime {

struct ChoiceTime {
  std::string choice;
  double seconds = 0;
};

class KernelChoices {
 public:
  /// Times of a call on a machine, or null.
  const std::vector<ChoiceTime>* find(std::string_view machine, std::string_view call) const;
  void add(const std::string& machine, const std::string& call, std::vector<ChoiceTime> times);

  /// Atomically, with a checksum (XXH3).
  Status write(const std::string& path) const;
  /// Fails with NotFound for a missing file, Malformed for a damaged one, Unsupported for another
  /// version of the format.
  static Result<KernelChoices> read(const std::string& path);

  /// What lies between magic word and checksum.
  std::vector<std::byte> content() const;
  static Result<KernelChoices> parse(std::span<const std::byte> content);

 private:
  using Calls = std::map<std::string, std::vector<ChoiceTime>, std::less<>>;
  std::map<std::string, Calls, std::less<>> machines_;
};

}  // namespace verge::runtime
