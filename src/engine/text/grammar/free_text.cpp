#include <algorithm>
#include <set>
#include <utility>

#include <verge/engine/text/grammar/free_text.hpp>

namespace verge::text::grammar {
namespace {

constexpr size_t kMaxExamples = 512;  // strings of classes that are tried for one character
constexpr size_t kMaxAfter = 8;       // sets behind one character that are followed

}  // namespace

FreeText::FreeText(const Automaton& automaton, Machine& machine)
    : automaton_(automaton), machine_(machine) {
  for (const Alphabet alphabet : {Alphabet::Lower, Alphabet::Alphanumeric, Alphabet::Plain}) {
    find_examples(alphabet);
  }
}

void FreeText::clear() {
  known_.clear();
  after_one_.clear();
  bytes_ = 0;
}

// Characters that differ in no byte class are one to the automaton.
void FreeText::find_examples(Alphabet alphabet) {
  std::vector<std::string>& examples = examples_[static_cast<size_t>(alphabet)];
  std::set<std::string> known;  // as classes
  for (const ByteSequence& sequence : utf8_sequences(characters(alphabet))) {
    std::vector<std::string> strings(1);
    for (const ByteRange& range : sequence) {
      std::vector<std::string> longer;
      int last_class = -1;
      for (int byte = range.first; byte <= range.last; ++byte) {
        if (automaton_.byte_class(static_cast<uint8_t>(byte)) == last_class) continue;
        last_class = automaton_.byte_class(static_cast<uint8_t>(byte));
        for (std::string string : strings) {
          string.push_back(static_cast<char>(byte));
          longer.push_back(std::move(string));
        }
        if (longer.size() > kMaxExamples) break;
      }
      strings = std::move(longer);
    }
    for (std::string& string : strings) {
      std::string classes;
      for (const char byte : string) {
        classes.push_back(static_cast<char>(automaton_.byte_class(static_cast<uint8_t>(byte))));
      }
      if (known.insert(std::move(classes)).second) examples.push_back(std::move(string));
    }
  }
  if (examples.size() > kMaxExamples) examples.clear();
}

// The sets behind each character; none if one of them cannot be read, or they are many.
const std::vector<Machine::SetId>& FreeText::after_one(Machine::SetId set, Alphabet alphabet) {
  const uint64_t key = static_cast<uint64_t>(set) * kAlphabets + static_cast<uint64_t>(alphabet);
  const auto [found, is_new] = after_one_.emplace(key, std::vector<Machine::SetId>());
  if (!is_new) return found->second;
  std::vector<Machine::SetId> after;
  for (const std::string& example : examples_[static_cast<size_t>(alphabet)]) {
    Machine::SetId next = set;
    for (const char byte : example) next = machine_.step(next, static_cast<uint8_t>(byte));
    if (next == Machine::kDead) after.clear();
    if (next == Machine::kDead || after.size() > kMaxAfter) break;
    if (std::ranges::find(after, next) == after.end()) after.push_back(next);
  }
  if (after.size() > kMaxAfter) after.clear();
  bytes_ += sizeof(after) + after.size() * sizeof(Machine::SetId) + 64;
  return found->second = std::move(after);
}

FreeText::Known& FreeText::known(Machine::SetId set, Alphabet alphabet) {
  const auto index = static_cast<size_t>(set);
  if (index >= known_.size()) {
    bytes_ += (index + 1 - known_.size()) * sizeof(Knowns);
    known_.resize(index + 1);
  }
  return known_[index][static_cast<size_t>(alphabet)];
}

bool FreeText::reads_none(Machine::SetId set, Alphabet alphabet) {
  const auto& examples = examples_[static_cast<size_t>(alphabet)];
  const auto reads = [&](const std::string& example) {
    Machine::SetId next = set;
    for (const char byte : example) next = machine_.step(next, static_cast<uint8_t>(byte));
    return next != Machine::kDead;
  };
  return !examples.empty() && std::ranges::none_of(examples, reads);
}

int FreeText::limit(Machine::SetId set, Alphabet alphabet, int most) {
  std::vector<Machine::SetId> sets = {set};  // behind all texts of so many characters
  for (int count = 0; count < most; ++count) {
    std::vector<Machine::SetId> next;
    size_t ended = 0;
    for (const Machine::SetId from : sets) {
      if (count > 0 && machine_.returns(from)) return -1;
      const std::vector<Machine::SetId>& after = after_one(from, alphabet);
      ended += after.empty() ? 1 : 0;
      if (after.empty() && !reads_none(from, alphabet)) return -1;
      next.insert(next.end(), after.begin(), after.end());
    }
    if (ended == sets.size()) return count;
    std::ranges::sort(next);
    next.erase(std::unique(next.begin(), next.end()), next.end());
    if (ended > 0 || next.size() > kMaxAfter) return -1;
    if (next == sets) {
      const auto returns = [this](Machine::SetId one) { return machine_.returns(one); };
      return std::ranges::any_of(sets, returns) ? -1 : most;
    }
    sets = std::move(next);
  }
  return most;
}

// Each set is asked for each count at most once: what it answers is kept.
bool FreeText::follows(Machine::SetId set, Alphabet alphabet, int count) {
  if (count == 0) return set != Machine::kDead;
  if (alphabet == Alphabet::None || set == Machine::kDead || count > kMost) return false;
  const Known before = known(set, alphabet);
  if (count <= before.reads) return true;
  if (count >= before.fails) return false;
  const std::vector<Machine::SetId>& after = after_one(set, alphabet);
  bool all = !after.empty();
  for (size_t i = 0; i < after.size() && all; ++i) all = follows(after[i], alphabet, count - 1);
  Known& now = known(set, alphabet);
  if (all) {
    now.reads = std::max(now.reads, static_cast<uint8_t>(count));
  } else {
    now.fails = std::min(now.fails, static_cast<uint8_t>(after.empty() ? 1 : count));
  }
  return all;
}

}  // namespace verge::text::grammar
