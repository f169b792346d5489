#pragma once
// A fleet of a test's own: an authority in a temporary folder and nodes it has signed.

#include <cstdint>
#include <ctime>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <verge/platform/net/identity/authority.hpp>

#include "temporary_folder.hpp"

namespace verge::test {

/// TLS looks at the machine's own calendar.
inline int64_t now_unix_s() {
  return std::time(nullptr);
}

class TestFleet {
 public:
  explicit TestFleet(const std::string& name = "home")
      : authority_(make(folder_ / "authority", name)) {}

  net::Authority& authority() { return authority_; }
  std::string operator/(const std::string& name) const { return folder_ / name; }

  /// Valid from yesterday until `life_s` from now, or so long ago where that is negative.
  net::Credentials node(const std::string& name, int64_t life_s = 3600,
                        std::vector<std::string> hosts = {}) {
    const int64_t now = now_unix_s();
    auto made = authority_.issue({.node = name,
                                  .hosts = std::move(hosts),
                                  .from_unix_s = now - 86400,
                                  .until_unix_s = now + life_s});
    EXPECT_TRUE(made.ok()) << made.error().message;
    return std::move(made).value();
  }

 private:
  static net::Authority make(const std::string& path, const std::string& name) {
    auto made = net::Authority::create(path, name, now_unix_s());
    EXPECT_TRUE(made.ok()) << made.error().message;
    return std::move(made).value();
  }

  TemporaryFolder folder_;
  net::Authority authority_;
};

}  // namespace verge::test
