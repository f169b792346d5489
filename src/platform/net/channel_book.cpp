#include <set>

#include <verge/platform/net/channel_book.hpp>

namespace verge::net {

ChannelBook::Entry ChannelBook::enter(const Channel& channel, const std::string& peer) {
  const std::lock_guard lock(mutex_);
  open_[&channel] = peer;
  return {*this, channel};
}

void ChannelBook::leave(const Channel& channel) {
  const std::lock_guard lock(mutex_);
  past_ += channel.counters();
  open_.erase(&channel);
}

ChannelTotals ChannelBook::totals() const {
  const std::lock_guard lock(mutex_);
  ChannelTotals totals{.channels = std::ssize(open_), .counters = past_};
  std::set<std::string> peers;
  for (const auto& [channel, peer] : open_) {
    totals.counters += channel->counters();
    peers.insert(peer);
  }
  totals.peers = std::ssize(peers);
  return totals;
}

}  // namespace verge::net
