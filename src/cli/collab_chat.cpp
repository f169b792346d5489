#include <algorithm>
#include <ostream>

#include <verge/cli/collab_chat.hpp>
#include <verge/cli/collab_server.hpp>
#include <verge/cli/model_store.hpp>

namespace verge::cli {
namespace {

using serve::CollabMetrics;
using serve::CollabMode;
using serve::CollabToken;
using serve::TokenPlace;

class CollabTalker : public Talker {
 public:
  CollabTalker(const CollabDevice& device, const CollabModel& model, serve::EdgeOptions edge,
               const serve::AnswerOptions& options, Context& context)
      : device_(device),
        model_(model),
        edge_(std::move(edge)),
        options_(options),
        context_(context) {}

  Result<Said> answer(const serve::Conversation& conversation,
                      std::atomic<bool>& interrupted) override {
    auto said = try_answer(conversation, interrupted);
    if (!said) forget();
    return said;
  }
  void after_answer() override;
  void print_stats(const serve::Conversation& conversation) override;
  // The state is on two machines.
  Status save_state(const std::string&) override { return {}; }
  void load_state(const std::string&) override { forget(); }

 private:
  Result<Said> try_answer(const serve::Conversation& conversation, std::atomic<bool>& interrupted);
  Status append(const serve::Conversation& conversation);
  Status begin();
  std::optional<std::string> news(const std::string& text) const;
  void note_token(const CollabToken& token);
  void show(TokenPlace place, const std::string& text);
  void forget();
  std::string line_of(const CollabMetrics& metrics, int64_t server_positions) const;
  std::string link_line();

  const CollabDevice& device_;
  const CollabModel& model_;
  const serve::EdgeOptions edge_;
  const serve::AnswerOptions& options_;
  Context& context_;
  const SystemClock clock_;

  std::unique_ptr<serve::CloudLink> link_;  // null: standalone
  std::unique_ptr<serve::EdgeDriver> driver_;
  std::string text_;  // that the session holds
  std::string end_;   // the token that ended the last answer, as templates write it
  CollabMetrics last_;
  int64_t asked_positions_ = 0;  // below these the server has run its layers
  bool is_without_ = false;      // the cloud, as was said last
};

void CollabTalker::forget() {
  driver_.reset();
  link_.reset();
  text_.clear();
  end_.clear();
  asked_positions_ = 0;
}

// A session of its own, also at the server.
Status CollabTalker::begin() {
  forget();
  if (edge_.policy.mode != CollabMode::Standalone) {
    link_ = device_.connect(model_, kCollabService, context_.err);
    is_without_ = !link_->is_up();
  }
  VERGE_TRY(driver_,
            serve::EdgeDriver::create(*model_.model, model_.split, edge_, clock_, link_.get()));
  return {};
}

// What is new of a text that goes on from what the session holds; nothing where it does not.
std::optional<std::string> CollabTalker::news(const std::string& text) const {
  if (driver_ == nullptr || !text.starts_with(text_)) return std::nullopt;
  const std::string rest = text.substr(text_.size());
  if (!rest.starts_with(end_)) return std::nullopt;
  return rest.substr(end_.size());
}

Status CollabTalker::append(const serve::Conversation& conversation) {
  VERGE_TRY(const std::string text, conversation.text());
  std::vector<int32_t> tokens;
  if (const auto rest = news(text)) {
    tokens = model_.model->tokenizer().encode(*rest, {.add_special = false, .parse_special = true});
  } else {
    VERGE_TRY(tokens, conversation.prompt());
    VERGE_RETURN_IF_ERROR(begin());
  }
  last_ = driver_->metrics();
  VERGE_RETURN_IF_ERROR(driver_->append(tokens));
  if (link_ && link_->is_up()) asked_positions_ = driver_->length();  // it runs prompts ahead
  text_ = text;
  end_.clear();
  return {};
}

Result<Said> CollabTalker::try_answer(const serve::Conversation& conversation,
                                      std::atomic<bool>& interrupted) {
  const text::Tokenizer& tokenizer = model_.model->tokenizer();
  VERGE_RETURN_IF_ERROR(append(conversation));
  VERGE_TRY(serve::Answer answer, serve::Answer::start(tokenizer, options_, {}));
  Said said;
  const auto add = [&](TokenPlace place, const serve::Piece& piece) {
    said.text += piece.text;
    show(place, piece.text);
    if (!context_.out) interrupted = true;  // nobody reads any more
  };
  while (!answer.reason()) {
    if (interrupted || driver_->length() >= model_.model->decoder().context) {
      const bool is_full = !interrupted;
      add(TokenPlace::Exit1,
          answer.end(is_full ? serve::StopReason::ContextFull : serve::StopReason::Cancelled));
      break;
    }
    VERGE_TRY(const CollabToken token, driver_->next());
    note_token(token);
    if (answer.ends_with(token.id)) end_ = tokenizer.piece(token.id);
    add(token.place, answer.take(token.id));
  }
  said.reason = *answer.reason();
  text_ += said.text;
  return said;
}

void CollabTalker::note_token(const CollabToken& token) {
  if (token.place == TokenPlace::Cloud) asked_positions_ = driver_->length();
}

void CollabTalker::show(TokenPlace place, const std::string& text) {
  const bool is_coloured = context_.terminal_columns > 0 && !text.empty();
  context_.out << (is_coloured ? colour_of(place) : "") << text << (is_coloured ? "\x1b[0m" : "")
               << std::flush;
}

// Layers times positions that the server is spared, of those that a whole model there would run.
double spared_share(const CollabModel& model, int64_t length, int64_t server_positions) {
  const auto layers = static_cast<double>(model.model->config().layers);
  if (length == 0) return 0;
  const double upper = layers - static_cast<double>(model.split.exit1);
  return 1 - upper * static_cast<double>(server_positions) / (layers * static_cast<double>(length));
}

std::string CollabTalker::line_of(const CollabMetrics& metrics, int64_t server_positions) const {
  std::string places;
  for (const TokenPlace place : serve::kTokenPlaces) {
    places += fmt::format("{}{} {}", places.empty() ? "" : ", ", serve::name(place),
                          metrics.count(place));
  }
  return fmt::format("{} tokens: {} | cloud rate {:.0f}% | server spared {:.0f}%",
                     metrics.all_tokens(), places, 100 * metrics.cloud_rate(),
                     100 * spared_share(model_, driver_->length(), server_positions));
}

std::string CollabTalker::link_line() {
  if (link_ == nullptr) return "no link: standalone";
  const CollabMetrics& metrics = driver_->metrics();
  const serve::CollabPolicyState& state = driver_->policy_state();
  const std::string round_trip =
      state.round_trip_s.is_known()
          ? fmt::format("round trip {:.1f} ms", state.round_trip_s.value_or(0) * 1e3)
          : "round trip not known yet";
  return fmt::format("link {}, {}, {:.1f} kB up, {:.1f} kB down", link_->is_up() ? "up" : "down",
                     round_trip, static_cast<double>(metrics.bytes_up) * 1e-3,
                     static_cast<double>(metrics.bytes_down) * 1e-3);
}

// Since the last answer.
CollabMetrics difference(CollabMetrics now, const CollabMetrics& before) {
  for (size_t place = 0; place < now.tokens.size(); ++place) {
    now.tokens[place] -= before.tokens[place];
  }
  return now;
}

void CollabTalker::after_answer() {
  const bool is_up = link_ == nullptr || link_->is_up();
  if (is_up == is_without_) {
    is_without_ = !is_up;
    context_.err << (is_up ? "the cloud is there again\n"
                           : "without the cloud: answers go on, on this device alone\n");
  }
  if (context_.quiet) return;
  context_.err << line_of(difference(driver_->metrics(), last_), asked_positions_) << " | "
               << link_line() << "\n";
}

void CollabTalker::print_stats(const serve::Conversation& conversation) {
  context_.out << fmt::format("context: {} of {} tokens, {} messages\n",
                              driver_ ? driver_->length() : 0, model_.model->decoder().context,
                              conversation.messages().size());
  if (driver_ == nullptr) return;
  context_.out << "this session: " << line_of(driver_->metrics(), asked_positions_) << "\n"
               << link_line() << "\n";
}

}  // namespace

Status chat_with_cloud(const CollabOptions& options, const ModelOptions& model,
                       const serve::AnswerOptions& answer, const TalkOptions& chat,
                       Context& context) {
  VERGE_TRY(const CollabMode mode, options.mode_or_default());
  VERGE_TRY(const auto pool, model.threads.make_pool());
  VERGE_TRY(const CollabModel loaded, load_device(options, model, *pool));
  VERGE_TRY(const auto device, CollabDevice::create(options));
  VERGE_RETURN_IF_ERROR(device->check(loaded.split));
  serve::EdgeOptions edge = device->edge_options(mode);
  edge.sampling = answer.sampling;
  CollabTalker talker(*device, loaded, edge, answer, context);
  return talk(talker, *loaded.model, chat, context);
}

}  // namespace verge::cli
