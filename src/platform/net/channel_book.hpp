#pragma once
// ChannelBook: which channels of a process are open, to whom, and what has travelled over all there
// have been.
//
//   const ChannelBook::Entry entry = book.enter(*channel, peer.node);   // while it is served

#include <map>
#include <mutex>
#include <string>

#include <verge/core/channel.hpp>

namespace verge::net {

struct ChannelTotals {
  int64_t channels = 0;           // that are open
  int64_t peers = 0;              // at their other ends
  ChannelCounters counters = {};  // of all channels, also those that are gone
};

/// Any thread.
class ChannelBook {
 public:
  class Entry {
   public:
    Entry(ChannelBook& book, const Channel& channel) : book_(book), channel_(channel) {}
    ~Entry() { book_.leave(channel_); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    ChannelBook& book_;
    const Channel& channel_;
  };

  /// The channel is open for as long as the entry lives, and must outlive it.
  [[nodiscard]] Entry enter(const Channel& channel, const std::string& peer);
  ChannelTotals totals() const;

 private:
  void leave(const Channel& channel);

  mutable std::mutex mutex_;
  std::map<const Channel*, std::string> open_;
  ChannelCounters past_;
};

}  // namespace verge::net
