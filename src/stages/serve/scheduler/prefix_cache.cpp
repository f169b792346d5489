#include <algorithm>
#include <tuple>

#include <verge/core/checksum.hpp>
#include <verge/stages/serve/scheduler/prefix_cache.hpp>

namespace verge::serve {

std::vector<uint64_t> page_hashes(std::span<const int32_t> tokens, int64_t page_tokens,
                                  uint64_t seed) {
  const auto size = static_cast<size_t>(page_tokens);
  std::vector<uint64_t> hashes;
  for (; tokens.size() >= size; tokens = tokens.subspan(size)) {
    Checksum sum;
    sum.add(std::as_bytes(std::span(&seed, 1)));
    sum.add(std::as_bytes(tokens.first(size)));
    hashes.push_back(seed = sum.value());
  }
  return hashes;
}

int32_t PrefixCache::lookup(std::span<const int32_t> tokens, uint64_t hash, int32_t before) const {
  const auto [begin, end] = pages_of_.equal_range(hash);
  for (auto at = begin; at != end; ++at) {
    const Node& node = nodes_.at(at->second);
    if (node.before == before && std::ranges::equal(node.tokens, tokens)) return at->second;
  }
  return -1;
}

std::vector<int32_t> PrefixCache::find(std::span<const int32_t> tokens,
                                       std::span<const uint64_t> hashes) {
  ++now_;
  std::vector<int32_t> pages;
  int32_t before = -1;
  for (size_t i = 0; i < hashes.size(); ++i) {
    const int32_t page = lookup(tokens.subspan(i * page_tokens_, page_tokens_), hashes[i], before);
    if (page < 0) break;
    nodes_.at(page).used = now_;
    pages.push_back(before = page);
  }
  return pages;
}

void PrefixCache::add(std::span<const int32_t> tokens, std::span<const uint64_t> hashes,
                      std::span<const int32_t> pages) {
  ++now_;
  int32_t before = -1;
  for (size_t i = 0; i < pages.size(); ++i) {
    const auto own = tokens.subspan(i * page_tokens_, page_tokens_);
    const int32_t known = lookup(own, hashes[i], before);
    if (known >= 0 && known != pages[i]) return;
    if (known < 0) {
      pool_.retain(pages[i]);
      nodes_[pages[i]] = {hashes[i], before, static_cast<int64_t>(i), {own.begin(), own.end()}};
      pages_of_.emplace(hashes[i], pages[i]);
    }
    nodes_.at(pages[i]).used = now_;
    before = pages[i];
  }
}

void PrefixCache::remove(int32_t page) {
  const auto node = nodes_.find(page);
  const auto [begin, end] = pages_of_.equal_range(node->second.hash);
  pages_of_.erase(
      std::find_if(begin, end, [&](const auto& entry) { return entry.second == page; }));
  nodes_.erase(node);
  pool_.release(page);
}

int64_t PrefixCache::evict(int64_t count) {
  // Whoever uses a page uses those before it, so what follows an idle page is idle, and is used no
  // later: in this order it comes first.
  std::vector<std::tuple<uint64_t, int64_t, int32_t>> idle;
  for (const auto& [page, node] : nodes_) {
    if (pool_.users(page) == 1) idle.emplace_back(node.used, -node.depth, page);
  }
  std::ranges::sort(idle);
  idle.resize(std::min(idle.size(), static_cast<size_t>(count)));
  for (const auto& [used, depth, page] : idle) remove(page);
  return static_cast<int64_t>(idle.size());
}

std::vector<PrefixCache::Entry> PrefixCache::entries() const {
  std::vector<Entry> all;
  for (const auto& [page, node] : nodes_)
    all.push_back({node.hash, page, node.before, node.tokens});
  std::ranges::sort(all, {}, [&](const Entry& entry) {
    const Node& node = nodes_.at(entry.page);
    return std::tuple(~node.used, node.depth, entry.page);
  });
  return all;
}

bool PrefixCache::put(const Entry& entry) {
  if (lookup(entry.tokens, entry.hash, entry.before) >= 0) return false;
  const int64_t depth = entry.before < 0 ? 0 : nodes_.at(entry.before).depth + 1;
  pool_.retain(entry.page);
  nodes_[entry.page] = {
      entry.hash, entry.before, depth, {entry.tokens.begin(), entry.tokens.end()}};
  pages_of_.emplace(entry.hash, entry.page);
  return true;
}

int64_t PrefixCache::idle_pages() const {
  return std::ranges::count_if(nodes_,
                               [&](const auto& node) { return pool_.users(node.first) == 1; });
}

}  // namespace verge::serve
