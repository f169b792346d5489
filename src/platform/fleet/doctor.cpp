#include <fmt/ranges.h>

#include <verge/platform/fleet/doctor.hpp>
#include <verge/platform/fleet/meeting.hpp>
#include <verge/platform/net/grpc/grpc_channel.hpp>
#include <verge/platform/net/reach.hpp>

namespace verge::fleet {
namespace {

constexpr double kPatienceS = 5;  // for each step

class Doctor {
 public:
  Doctor(const std::string& address, const net::Credentials& own, const Hello& hello,
         const Clock& clock, int64_t now_unix_s)
      : address_(address), own_(own), hello_(hello), clock_(clock), now_unix_s_(now_unix_s) {}

  Diagnosis examine() {
    if (own_certificate() && name() && network() && certificates() && greeting()) link();
    return std::move(diagnosis_);
  }

 private:
  bool well(const char* step, std::string text) {
    diagnosis_.findings.push_back({step, true, std::move(text)});
    return true;
  }
  bool ill(const char* step, const Error& error) {
    diagnosis_.findings.push_back({step, false, error.message});
    return false;
  }

  bool own_certificate() {
    const Status valid = own_.check_valid(now_unix_s_);
    if (!valid) return ill("this node", valid.error());
    return well("this node",
                fmt::format("{} of {}, certificate valid until {}", own_.facts().node,
                            own_.facts().fleet, net::show_time(own_.facts().until_unix_s)));
  }

  bool name() {
    const auto address = net::Address::parse(address_);
    if (!address) return ill("name", address.error());
    target_ = *address;
    const auto found = net::resolve(target_);
    if (!found) return ill("name", found.error());
    return well("name", fmt::format("{} is {}", target_.host, fmt::join(*found, ", ")));
  }

  bool network() {
    const double begin = clock_.seconds();
    const auto reached = net::reach(target_, kPatienceS);
    if (!reached) return ill("network", reached.error());
    return well("network", fmt::format("{} port {} answers in {:.1f} ms", *reached, target_.port,
                                       (clock_.seconds() - begin) * 1e3));
  }

  bool certificates() {
    net::CertificateFacts facts;
    auto channel = net::dial(address_, own_, now_unix_s_,
                             {.service = std::string(kService), .timeout_s = kPatienceS}, &facts);
    if (!channel) return ill("certificates", channel.error());
    channel_ = std::move(*channel);
    certified_ = facts.node;
    diagnosis_.fingerprint = facts.fingerprint;
    return well("certificates", fmt::format("{} of {}, valid until {}", facts.node, facts.fleet,
                                            net::show_time(facts.until_unix_s)));
  }

  bool greeting() {
    auto peer = greet(*channel_, hello_, certified_, kPatienceS);
    if (!peer) return ill("greeting", peer.error());
    const Capability& can = peer->capability;
    const std::string text = fmt::format(
        "verge {}, protocol {}, {}, {} cores of {}{}", can.software,
        std::min(peer->newest_protocol, hello_.newest_protocol), fleet::name(can.role), can.cores,
        can.isa, peer->paused ? "; paused: `verge node resume` there lets it take work" : "");
    diagnosis_.peer = std::move(*peer);
    return well("greeting", text);
  }

  bool link() {
    const auto report = probe_link(*channel_, clock_, {.timeout_s = 2 * kPatienceS});
    if (!report) return ill("link", report.error());
    diagnosis_.link = *report;
    return well("link", fmt::format("round trip {:.2f} ms, up {:.1f} Mbit/s, down {:.1f} Mbit/s",
                                    report->round_trip_s * 1e3, report->up_bytes_per_s * 8e-6,
                                    report->down_bytes_per_s * 8e-6));
  }

  const std::string& address_;
  const net::Credentials& own_;
  const Hello& hello_;
  const Clock& clock_;
  const int64_t now_unix_s_;
  net::Address target_;
  std::string certified_;
  std::unique_ptr<Channel> channel_;
  Diagnosis diagnosis_;
};

}  // namespace

Diagnosis diagnose(const std::string& address, const net::Credentials& own, const Hello& hello,
                   const Clock& clock, int64_t now_unix_s) {
  return Doctor(address, own, hello, clock, now_unix_s).examine();
}

}  // namespace verge::fleet
