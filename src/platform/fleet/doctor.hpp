#pragma once
// Why two nodes do not see each other: every step between them tried in order, each with what was
// found and, where it failed, the remedy. `verge node doctor` prints it.

#include <string>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/platform/fleet/link_probe.hpp>
#include <verge/platform/net/identity/credentials.hpp>

namespace verge::fleet {

struct Finding {
  std::string step;  // "name", "network", "certificates", "greeting", "link"
  bool is_well = false;
  std::string text;
};

struct Diagnosis {
  std::vector<Finding> findings;  // up to the first that is not well
  std::optional<Hello> peer = {};
  std::string fingerprint;  // of the peer's certificate
  std::optional<LinkReport> link = {};

  bool is_well() const { return !findings.empty() && findings.back().is_well; }
};

/// The own certificate, the name, a TCP connection, the peer's certificate, its greeting, the link.
Diagnosis diagnose(const std::string& address, const net::Credentials& own, const Hello& hello,
                   const Clock& clock, int64_t now_unix_s);

}  // namespace verge::fleet
