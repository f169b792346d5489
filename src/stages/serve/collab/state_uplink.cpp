#include <algorithm>

#include <verge/platform/net/codec/message_codec.hpp>
#include <verge/platform/net/codec/tensor_codec.hpp>
#include <verge/stages/serve/collab/state_uplink.hpp>

namespace verge::serve {
namespace {

constexpr double kWindowS = 0.002;               // between looks at a send window that is full
constexpr int64_t kMostMessageBytes = 32 << 10;  // so that several fit in a window

int64_t state_bytes(const UplinkOptions& options) {
  return *net::packed_bytes(options.codec, {1, options.width});
}

// Pieces of a run that each make a message of no more than so many states.
std::vector<StateRun> pieces_of(const StateRun& run, int64_t width, int64_t most) {
  std::vector<StateRun> pieces;
  const auto tokens = static_cast<int64_t>(run.rows.size()) / width;
  for (int64_t from = 0; from < tokens; from += most) {
    const int64_t to = std::min(tokens, from + most);
    pieces.push_back({run.position + from,
                      run.prompt_end,
                      {run.rows.begin() + from * width, run.rows.begin() + to * width}});
  }
  return pieces;
}

}  // namespace

StateUplink::StateUplink(CloudLink& link, UplinkOptions options, const Clock& clock)
    : link_(link),
      options_(std::move(options)),
      clock_(clock),
      outbox_(options_.width, state_bytes(options_)) {}

void StateUplink::push(StateRun run) {
  if (options_.keeps_back) {
    context_.push_back(std::move(run));
    return;
  }
  look();
  const int64_t most = std::max<int64_t>(1, kMostMessageBytes / state_bytes(options_));
  for (const StateRun& piece : pieces_of(run, options_.width, most)) {
    outbox_.push(piece.position, piece.prompt_end, piece.rows, clock_.seconds());
    pump();
  }
}

void StateUplink::pump() {
  (void)drain(true);
}

// False where the link takes no more.
bool StateUplink::drain(bool only_due) {
  look();
  if (!link_.is_up()) outbox_.clear();  // the server asks for what it misses
  while (!outbox_.is_empty() && (!only_due || outbox_.is_due(clock_.seconds()))) {
    const StateRun& run = outbox_.front();
    const bool is_late = is_late_ && !options_.late_codec.empty();
    const Status status = send_run(run, is_late ? options_.late_codec : options_.codec);
    if (!status && status.error().code == Code::Busy) return false;
    if (is_late && status) late_states_ += std::ssize(run.rows) / options_.width;
    outbox_.pop(clock_.seconds());
  }
  return true;
}

bool StateUplink::send_all(double until_s) {
  for (const StateRun& run : context_) {
    if (!send_waiting(run, until_s)) return false;
  }
  while (!drain(false)) {
    if (clock_.seconds() >= until_s) return false;
    link_.wait(kWindowS);
  }
  return link_.is_up();
}

bool StateUplink::send_again(std::span<const StateRun> runs, double until_s) {
  return std::ranges::all_of(runs, [&](const StateRun& run) { return send_waiting(run, until_s); });
}

bool StateUplink::send_waiting(const StateRun& run, double until_s) {
  const int64_t most = std::max<int64_t>(1, kMostMessageBytes / state_bytes(options_));
  for (const StateRun& piece : pieces_of(run, options_.width, most)) {
    Status status = send_run(piece, options_.codec);
    while (!status && status.error().code == Code::Busy && clock_.seconds() < until_s) {
      link_.wait(kWindowS);
      status = send_run(piece, options_.codec);
    }
    if (!status) return false;
  }
  return true;
}

Status StateUplink::send_run(const StateRun& run, const std::string& codec) {
  const auto tokens = static_cast<int64_t>(run.rows.size()) / options_.width;
  std::vector<float> rows = run.rows;
  options_.noise.add(rows, options_.width);
  VERGE_TRY(PackedTensor packed, net::pack(codec, rows, {tokens, options_.width}));
  return send_counted(StatesMessage{run.position, std::move(packed), run.prompt_end, branch_});
}

Status StateUplink::send_counted(const CollabMessage& message) {
  const Message bytes = to_message(message);
  VERGE_RETURN_IF_ERROR(link_.send(bytes));
  taken_bytes_ += net::wire_bytes(bytes);
  look();
  return {};
}

bool StateUplink::send(const CollabMessage& message) {
  return send_counted(message).ok();
}

// Of branches that the server may never have heard of, the earliest beginning counts.
void StateUplink::rewind(int64_t position) {
  VERGE_CHECK(context_.empty(), position);
  outbox_.rewind(position);
  const int64_t from = is_branch_known_ ? position : std::min(position, branch_.from);
  branch_ = {branch_.number + 1, from};
  is_branch_known_ = false;
}

// What was taken by a channel that is gone has no rate; nor do its states need an order any more.
void StateUplink::look() {
  if (link_.connections() != connection_) {
    connection_ = link_.connections();
    drain_.forget();
    outbox_.clear();
    taken_bytes_ = 0;
  }
  const auto rate = drain_.observe(clock_.seconds(), taken_bytes_, link_.unsent_bytes());
  if (rate) rate_ = rate;
}

std::optional<double> StateUplink::take_rate() {
  return std::exchange(rate_, std::nullopt);
}

}  // namespace verge::serve
