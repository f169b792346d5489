#pragma once
// FairShare: who has been served how much, and so who is next. The virtual token counter of
// Sheng et al. 2024 ("Fairness in serving large language models", algorithm 2): every token served
// is charged to its tenant, the least charged goes first, and one that comes back after a pause is
// lifted to the least of those who wait, so that nobody saves up.

#include <map>
#include <string>
#include <string_view>

namespace verge::serve {

/// A plain value.
class FairShare {
 public:
  /// What a token of a prompt and one of an answer cost.
  static constexpr double kPrefillCost = 1;
  static constexpr double kDecodeCost = 2;

  /// One more of the tenant's requests waits.
  void arrive(const std::string& tenant);
  /// One less does: it is served, or gone.
  void leave(const std::string& tenant);
  void charge(const std::string& tenant, double cost);
  /// What has been charged, and what it was lifted by.
  double served(const std::string& tenant) const;

 private:
  struct Account {
    double served = 0;
    int waiting = 0;
  };
  double level(const std::string& arriving) const;

  std::map<std::string, Account> accounts_;
  double last_left_ = 0;  // the counter of the last tenant that ceased to wait
};

}  // namespace verge::serve
