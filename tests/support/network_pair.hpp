#pragma once
// Two machines and a cable: network namespaces joined by a veth pair, with addresses of both kinds.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace verge::test {

/// What a shell command prints; `status` is that of the shell.
inline std::string shell_output(const std::string& command, int* status = nullptr) {
  std::string text;
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return text;
  char bytes[4096];
  for (size_t n; (n = std::fread(bytes, 1, sizeof(bytes), pipe)) > 0;) text.append(bytes, n);
  const int ended = ::pclose(pipe);
  if (status != nullptr) *status = ended;
  return text;
}

/// Needs root and iproute2. Its namespaces go with the object; those of a test program that was
/// killed go when the next one begins.
class NetworkPair {
 public:
  static constexpr const char *kEdgeV4 = "10.77.0.1", *kCloudV4 = "10.77.0.2", *kEdgeV6 = "fd77::1",
                              *kCloudV6 = "fd77::2";

  /// Why there can be none on this machine; empty where there can.
  static std::string unavailable() {
    if (::geteuid() != 0) return "network namespaces need root";
    int status = 0;
    const std::string probe = fmt::format("verge-{}-probe", ::getpid());
    const std::string said =
        shell_output(fmt::format("ip netns add {0} && ip netns del {0}", probe), &status);
    return status == 0 ? "" : "no network namespaces here: " + said;
  }

  NetworkPair() {
    remove_stale();
    for (const std::string& name : {edge(), cloud()}) {
      ip("netns add " + name);
      ip("-n " + name + " link set lo up");
    }
    ip(fmt::format("link add cable netns {} type veth peer name cable netns {}", edge(), cloud()));
    add_addresses();
    set_cable(true);
  }
  ~NetworkPair() {
    for (const std::string& name : {edge(), cloud()}) remove(name);
  }
  NetworkPair(const NetworkPair&) = delete;
  NetworkPair& operator=(const NetworkPair&) = delete;

  std::string edge() const { return name_ + "edge"; }
  std::string cloud() const { return name_ + "cloud"; }

  void add_addresses() {
    ip(fmt::format("-n {} addr replace {}/24 dev cable", edge(), kEdgeV4));
    ip(fmt::format("-n {} addr replace {}/24 dev cable", cloud(), kCloudV4));
    ip(fmt::format("-n {} addr replace {}/64 dev cable nodad", edge(), kEdgeV6));
    ip(fmt::format("-n {} addr replace {}/64 dev cable nodad", cloud(), kCloudV6));
  }
  void remove_v4() {
    for (const std::string& name : {edge(), cloud()}) ip("-n " + name + " -4 addr flush dev cable");
  }
  /// A name that programs started by `ip netns exec` find at the edge.
  void name_cloud(const std::string& host) const {
    std::filesystem::create_directories("/etc/netns/" + edge());
    std::ofstream("/etc/netns/" + edge() + "/hosts") << kCloudV4 << " " << host << "\n"
                                                     << kCloudV6 << " " << host << "\n";
  }
  /// Pulled out at the cloud's end, or plugged in again.
  void set_cable(bool is_in) {
    ip(fmt::format("-n {} link set cable {}", cloud(), is_in ? "up" : "down"));
    if (!is_in) return;
    ip(fmt::format("-n {} link set cable up", edge()));
    add_addresses();  // those of IPv6 are lost with the link
  }
  void set_mtu(int bytes) {
    for (const std::string& name : {edge(), cloud()}) {
      ip(fmt::format("-n {} link set cable mtu {}", name, bytes));
    }
  }
  /// Whether the cloud drops, without a word, what comes from the edge's address of IPv4.
  void set_dropped(bool is_dropped) {
    ip(fmt::format("-n {} route {} blackhole {}/32", cloud(), is_dropped ? "add" : "del", kEdgeV4));
  }
  /// Bytes that the edge has put on the cable.
  int64_t edge_bytes() const {
    return std::stoll(shell_output(
        fmt::format("ip netns exec {} cat /sys/class/net/cable/statistics/tx_bytes", edge())));
  }
  void ip(const std::string& words) const {
    int status = 0;
    const std::string said = shell_output("ip " + words, &status);
    EXPECT_EQ(status, 0) << "ip " << words << ": " << said;
  }

 private:
  static void remove_stale() {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/run/netns", error)) {
      const std::string name = entry.path().filename();
      int owner = 0;
      if (std::sscanf(name.c_str(), "verge-%d-", &owner) != 1) continue;
      if (!std::filesystem::exists(fmt::format("/proc/{}", owner))) remove(name);
    }
  }
  static void remove(const std::string& name) {
    shell_output("ip netns del " + name);
    std::error_code error;
    std::filesystem::remove_all("/etc/netns/" + name, error);
  }

  const std::string name_ = fmt::format("verge-{}-", ::getpid());
};

}  // namespace verge::test
