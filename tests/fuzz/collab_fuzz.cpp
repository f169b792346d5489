// Any bytes as a message between the halves of a split model: its kind, its body, a tensor. It may
// be refused, but what is read says the same again, and no states break a server's books.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <verge/stages/serve/collab/protocol.hpp>
#include <verge/stages/serve/collab/session_states.hpp>

namespace {

using namespace verge;
using namespace verge::serve;

constexpr int64_t kWidth = 4;
const CollabLimits kLimits = {.width = kWidth, .vocab = 100, .context = 64, .codecs = {"f32"}};

// The first byte is the kind, the second how long the body is, the next two a tensor's shape; the
// rest is the tensor's.
Message message_of(const uint8_t* data, size_t size) {
  Message message{size > 0 ? data[0] % 13u : 0, "", {}};
  if (size < 4) return message;
  const size_t body = std::min<size_t>(data[1], size - 4);
  message.body.assign(reinterpret_cast<const char*>(data) + 4, body);
  const auto* rest = reinterpret_cast<const std::byte*>(data) + 4 + body;
  if (data[2] == 0) return message;
  message.tensors.push_back({"f32", {data[2], data[3]}, {rest, rest + (size - 4 - body)}});
  return message;
}

void require(bool is_so) {
  if (!is_so) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Message message = message_of(data, size);
  const auto read = read_message(message, kLimits);
  if (!read || !*read) return 0;
  const Message again = to_message(**read);
  require(again.kind == message.kind);
  const auto same = read_message(again, kLimits);
  require(same && *same && (**same).index() == (**read).index());
  require(to_message(**same).body == again.body);
  const auto* states = std::get_if<StatesMessage>(&**read);
  if (states == nullptr) return 0;
  SessionStates books(kWidth);
  const std::vector<float> rows(static_cast<size_t>(states->tokens() * kWidth));
  const TextBranch& branch = states->branch;
  require(books.enter_branch(branch.number, branch.from));
  books.add(states->position, rows, states->prompt_end);
  require(books.positions() == states->tokens());
  require(books.enter_branch(branch.number + 1, branch.from));
  const int64_t left = std::clamp<int64_t>(branch.from - states->position, 0, states->tokens());
  require(books.positions() == left && books.ready() <= branch.from);
  return 0;
}
