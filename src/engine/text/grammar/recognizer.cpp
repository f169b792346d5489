#include <algorithm>
#include <unordered_map>
#include <utility>

#include <verge/engine/text/grammar/recognizer.hpp>

namespace verge::text::grammar {
namespace {

uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t hash = (a ^ (b + 0x9E3779B97F4A7C15)) * 0xFF51AFD7ED558CCD;
  hash = (hash ^ (hash >> 29)) * 0xC4CEB9FE1A85EC53;
  return hash ^ (hash >> 32);
}

uint64_t hash_of(const FramePtr& frame) {
  return frame ? frame->hash : 0;
}

constexpr size_t kPieceBytes = 64;

bool same(const FramePtr& a, const FramePtr& b) {
  const Frame* x = a.get();
  const Frame* y = b.get();
  while (x != y) {
    if (x == nullptr || y == nullptr || x->hash != y->hash || x->to != y->to) return false;
    x = x->above.get();
    y = y->above.get();
  }
  return true;
}

bool same(const Thread& a, const Thread& b) {
  return a.state == b.state && same(a.frame, b.frame);
}

}  // namespace

Frame::Frame(int32_t to_state, std::shared_ptr<const Frame> above_frame)
    : to(to_state),
      above(std::move(above_frame)),
      hash(mix(hash_of(above), static_cast<uint64_t>(to))),
      depth(above ? above->depth + 1 : 1) {}

Frame::~Frame() {
  while (above && above.use_count() == 1) {
    FramePtr next = above->above;  // kept alive here, the frame that lets go of it goes alone
    above = std::move(next);
  }
}

bool Position::operator==(const Position& other) const {
  return hash == other.hash && complete == other.complete &&
         std::ranges::equal(threads, other.threads,
                            [](const Thread& a, const Thread& b) { return same(a, b); });
}

/// One advance(): threads at every offset of the bytes, each followed once.
class Recognizer::Run {
 public:
  Run(Machine& machine, std::string_view bytes) : machine_(machine), bytes_(bytes) {}

  void add(const Thread& thread, size_t at) {
    auto& known = seen_[mix(mix(hash_of(thread.frame), static_cast<uint64_t>(thread.state)), at)];
    for (const size_t index : known) {
      if (pending_[index].at == at && same(pending_[index].thread, thread)) return;
    }
    known.push_back(pending_.size());
    pending_.push_back({thread, at});
  }

  // False if there are too many, or one is too deep.
  bool follow() {
    for (size_t next = 0; next < pending_.size(); ++next) {
      if (next > kMaxThreads * (bytes_.size() + 1)) return false;
      follow(Entry(pending_[next]));
      if (too_deep_) return false;
    }
    return position_.threads.size() <= kMaxThreads;
  }

  Position finish() {
    std::ranges::sort(position_.threads, {}, [](const Thread& thread) {
      return std::pair(thread.state, hash_of(thread.frame));
    });
    position_.hash = position_.complete;
    for (const Thread& thread : position_.threads) {
      position_.hash =
          mix(mix(position_.hash, static_cast<uint64_t>(thread.state)), hash_of(thread.frame));
    }
    return std::move(position_);
  }

 private:
  struct Entry {
    Thread thread;
    size_t at;
  };

  void follow(const Entry& entry) {
    Machine::SetId set = machine_.start(entry.thread.state);
    size_t at = entry.at;
    return_from(set, entry.thread.frame, at);
    for (; at < bytes_.size();) {
      set = machine_.step(set, static_cast<uint8_t>(bytes_[at]));
      if (set == Machine::kDead) return;
      return_from(set, entry.thread.frame, ++at);
    }
    if (entry.at == bytes_.size()) {
      if (machine_.goes_on(set)) position_.threads.push_back(entry.thread);
      return;
    }
    for (const Machine::Item& item : machine_.items(set)) {
      add({item.state, frames_of(item.calls, entry.thread.frame)}, at);
    }
  }

  void return_from(Machine::SetId set, const FramePtr& frame, size_t at) {
    if (!machine_.returns(set)) return;
    if (frame) {
      add({frame->to, frame->above}, at);
    } else if (at == bytes_.size()) {
      position_.complete = true;
    }
  }

  FramePtr frames_of(int32_t calls, const FramePtr& base) {
    std::vector<int32_t> chain;  // innermost first
    for (; calls != 0; calls = machine_.call(calls).above) {
      chain.push_back(machine_.call(calls).to);
    }
    if ((base ? base->depth : 0) + static_cast<int64_t>(chain.size()) > kMaxDepth) {
      too_deep_ = true;
      return base;
    }
    FramePtr frame = base;
    for (size_t i = chain.size(); i > 0; --i) {
      frame = std::make_shared<const Frame>(chain[i - 1], std::move(frame));
    }
    return frame;
  }

  Machine& machine_;
  std::string_view bytes_;
  std::vector<Entry> pending_;
  std::unordered_map<uint64_t, std::vector<size_t>> seen_;
  Position position_;
  bool too_deep_ = false;
};

Position Recognizer::begin() {
  Run run(machine_, {});
  run.add({automaton_.start(), nullptr}, 0);
  if (run.follow()) return run.finish();
  overflowed_ = true;
  return {};
}

Position Recognizer::advance(Position position, std::string_view bytes) {
  std::optional<Position> moved = try_advance(std::move(position), bytes);
  if (moved) return *std::move(moved);
  overflowed_ = true;
  return {};
}

std::optional<Position> Recognizer::try_advance(Position position, std::string_view bytes) {
  while (!bytes.empty()) {  // in pieces, which bound what one run holds
    Run run(machine_, bytes.substr(0, kPieceBytes));
    bytes.remove_prefix(std::min(kPieceBytes, bytes.size()));
    for (const Thread& thread : position.threads) run.add(thread, 0);
    if (!run.follow()) return std::nullopt;
    position = run.finish();
  }
  return position;
}

bool matches(const Automaton& automaton, std::string_view text) {
  Recognizer recognizer(automaton);
  return recognizer.advance(recognizer.begin(), text).complete;
}

bool matches_prefix(const Automaton& automaton, std::string_view text) {
  Recognizer recognizer(automaton);
  return recognizer.advance(recognizer.begin(), text).alive();
}

}  // namespace verge::text::grammar
