#include <algorithm>
#include <limits>

#include <verge/core/result.hpp>
#include <verge/stages/serve/scheduler/fair_share.hpp>

namespace verge::serve {

// The least counter of the others who wait; that of the last who did where nobody does.
double FairShare::level(const std::string& arriving) const {
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [tenant, account] : accounts_) {
    if (tenant != arriving && account.waiting > 0) least = std::min(least, account.served);
  }
  return least < std::numeric_limits<double>::infinity() ? least : last_left_;
}

void FairShare::arrive(const std::string& tenant) {
  Account& account = accounts_[tenant];
  if (account.waiting == 0) account.served = std::max(account.served, level(tenant));
  ++account.waiting;
}

void FairShare::leave(const std::string& tenant) {
  Account& account = accounts_[tenant];
  VERGE_CHECK(account.waiting > 0, tenant);
  if (--account.waiting == 0) last_left_ = account.served;
}

void FairShare::charge(const std::string& tenant, double cost) {
  accounts_[tenant].served += cost;
}

double FairShare::served(const std::string& tenant) const {
  const auto account = accounts_.find(tenant);
  return account == accounts_.end() ? 0 : account->second.served;
}

}  // namespace verge::serve
