#include <algorithm>
#include <new>
#include <set>

#include <verge/core/checksum.hpp>
#include <verge/stages/serve/scheduler/page_keeper.hpp>
#include <verge/stages/serve/scheduler/prefix_file.hpp>

namespace verge::serve {

// What else the pages depend on.
uint64_t PageKeeper::seed_of(const Task& task) const {
  const std::string& salt = task.request.cache_salt;
  if (task.adapter < 0 && salt.empty()) return 0;
  std::string what;
  if (task.adapter >= 0) what = decoder_.adapters.at(static_cast<size_t>(task.adapter));
  if (!salt.empty()) what += '\0' + salt;
  return checksum(std::as_bytes(std::span(what)));
}

// All but the last tokens of a prompt, which are always computed anew: for the logits, and enough
// of them to be a chunk.
std::span<const uint64_t> PageKeeper::adoptable(const Task& task) const {
  if (!share_prefixes_ || task.wants_all_rows()) return {};
  const int64_t pages = (task.prompt_tokens() - decoder_.min_chunk) / decoder_.page_tokens;
  return std::span(task.hashes).first(static_cast<size_t>(std::max<int64_t>(pages, 0)));
}

void PageKeeper::describe(Task& task, Candidate& candidate) {
  if (task.sequence) {
    candidate.length = task.length();
    for (const int32_t page : task.sequence->pages()) {
      candidate.exclusive += decoder_.pool.users(page) == (cache_.holds(page) ? 2 : 1);
    }
    return;
  }
  if (task.spill) {
    candidate.length = task.spill->length();
    return;
  }
  if (task.runs_hidden()) return;
  if (task.hashes.empty()) {
    const auto prompt = std::span(task.feed).first(static_cast<size_t>(task.prompt_tokens()));
    task.hashes = page_hashes(prompt, decoder_.page_tokens, seed_of(task));
  }
  const auto hashes = adoptable(task);
  const std::vector<int32_t> pages = cache_.find(task.feed, hashes);
  for (const int32_t page : pages) candidate.shared += decoder_.pool.is_shared(page);
  candidate.length = static_cast<int64_t>(pages.size()) * decoder_.page_tokens;
  if (pages.size() < hashes.size()) candidate.next_page = hashes[pages.size()];
}

void PageKeeper::mark_waiting_for_prefix(std::span<Candidate> candidates,
                                         const Tasks& tasks) const {
  std::vector<const Task*> prompts;
  for (const auto& task : tasks) {
    const bool is_quick = !task->wants_all_rows();  // rows hold the others up, who wait for none
    if (task->sequence && is_quick && task->length() < task->prompt_tokens())
      prompts.push_back(task.get());
  }
  for (Candidate& candidate : candidates) {
    if (candidate.next_page == 0) continue;
    const auto index = static_cast<size_t>(candidate.length / decoder_.page_tokens);
    for (const Task* other : prompts) {
      if (other->hashes.size() <= index) continue;
      const bool is_filled =
          other->length() >= static_cast<int64_t>(index + 1) * decoder_.page_tokens;
      candidate.waits_for_prefix |= !is_filled && other->hashes[index] == candidate.next_page;
    }
  }
}

void PageKeeper::adopt_prefix(Task& task) {
  const std::vector<int32_t> pages = cache_.find(task.feed, adoptable(task));
  const int64_t tokens = static_cast<int64_t>(pages.size()) * decoder_.page_tokens;
  task.sequence->adopt(std::span(task.feed).first(static_cast<size_t>(tokens)), pages);
}

void PageKeeper::start(Task& task) {
  task.sequence.emplace(decoder_);
  if (!task.spill) return adopt_prefix(task);
  make_room(pages_for(task.spill->length()));
  const Status status = spills_.restore(*task.spill, *task.sequence);
  task.spill.reset();
  if (!status) adopt_prefix(task);  // lost on the disk: it is computed again
}

void PageKeeper::put_aside(Task& task) {
  try {
    if (auto spill = spills_.put(*task.sequence)) task.spill = std::move(*spill);
  } catch (const std::bad_alloc&) {  // less memory than the limit says
  }
  task.sequence.reset();
  task.proposer.reset();
  task.phase = Phase::Preempted;
  ++task.preemptions;
}

// Of chunks of a prompt alone, on the plan of logits. A prompt below the least chunk takes the way
// of decoded tokens, but fills no page either.
void PageKeeper::publish(const Task& task) {
  if (!share_prefixes_ || task.prompt_tokens() < decoder_.min_chunk) return;
  if (task.runs_hidden() || !task.is_exact) return;
  const auto full = static_cast<size_t>(task.length() / decoder_.page_tokens);
  cache_.add(task.feed, task.hashes, task.sequence->pages().first(full));
}

void PageKeeper::make_room(int64_t pages) {
  const int64_t missing = pages - decoder_.pool.free_pages();
  if (missing > 0) cache_.evict(missing);
}

Status PageKeeper::save(const std::string& folder, int64_t most_bytes) const {
  const std::string path = prefix_path(folder, decoder_);
  VERGE_RETURN_IF_ERROR(save_prefixes(path, decoder_, cache_, most_bytes));
  return trim_prefix_folder(path, {});
}

Status PageKeeper::load(const std::string& folder) {
  const auto pages = load_prefixes(prefix_path(folder, decoder_), decoder_, cache_);
  return pages ? Status() : Status(pages.error());
}

void PageKeeper::check(const Tasks& tasks) const {
  std::vector<int32_t> users(static_cast<size_t>(decoder_.pool.pages()));
  for (const auto& task : tasks) {
    if (!task->sequence) continue;
    const auto pages = task->sequence->pages();
    const auto own = std::span(task->feed).first(static_cast<size_t>(task->length()));
    VERGE_CHECK(static_cast<int64_t>(pages.size()) == pages_for(task->length()), pages.size(),
                task->length());
    VERGE_CHECK(std::set(pages.begin(), pages.end()).size() == pages.size(), task->id);
    VERGE_CHECK(std::ranges::equal(task->sequence->tokens(), own), task->id);
    for (const int32_t page : pages) ++users[static_cast<size_t>(page)];
  }
  int64_t free = 0;
  for (int32_t page = 0; page < decoder_.pool.pages(); ++page) {
    const int32_t counted = users[static_cast<size_t>(page)] + (cache_.holds(page) ? 1 : 0);
    VERGE_CHECK(counted == decoder_.pool.users(page), page, counted, decoder_.pool.users(page));
    free += counted == 0;
  }
  VERGE_CHECK(free == decoder_.pool.free_pages(), free, decoder_.pool.free_pages());
}

void PageKeeper::describe(ModelSnapshot& snapshot) const {
  snapshot.pages_total = decoder_.pool.pages();
  snapshot.pages_free = decoder_.pool.free_pages();
  snapshot.pages_cached = cache_.idle_pages();
  snapshot.page_tokens = decoder_.page_tokens;
}

}  // namespace verge::serve
