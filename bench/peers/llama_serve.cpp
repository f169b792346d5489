#include "llama_serve.hpp"

#include <fstream>
#include <optional>
#include <thread>

#include "llama_model.hpp"
#include "process.hpp"

namespace {

constexpr int kBatch = 512;

struct Request {
  double at_s = 0;
  std::vector<llama_token> prompt;
  int output = 0;
  double first_token_s = 0;
  double end_s = 0;
  int generated = 0;
};

struct Slot {
  Request* request = nullptr;
  int position = 0;  // tokens in its sequence
  llama_token next = 0;
  int row = -1;  // of the batch at hand, whose logits this slot waits for

  bool in_prompt() const { return position < static_cast<int>(request->prompt.size()); }
};

class Server {
 public:
  Server(llama_context* context, std::vector<Request>& requests, int slots, bool closed)
      : context_(context),
        vocab_(llama_vocab_n_tokens(llama_model_get_vocab(llama_get_model(context)))),
        requests_(requests),
        slots_(static_cast<size_t>(slots)),
        closed_(closed),
        batch_(llama_batch_init(kBatch, 0, 1)) {}
  ~Server() { llama_batch_free(batch_); }

  void run() {
    start_ns_ = now_ns();
    while (admit() || next_ < requests_.size()) {
      if (!fill()) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        continue;
      }
      if (llama_decode(context_, batch_) != 0) throw std::runtime_error("llama_decode failed");
      draw();
    }
  }
  double seconds() const { return ms_since(start_ns_) * 1e-3; }

 private:
  // Gives free slots to requests that have come; whether any slot is taken.
  bool admit() {
    bool busy = false;
    for (Slot& slot : slots_) {
      if (slot.request == nullptr && next_ < requests_.size() &&
          (closed_ || requests_[next_].at_s <= seconds())) {
        slot = {&requests_[next_++], 0, 0, -1};
        if (closed_) slot.request->at_s = seconds();
      }
      busy |= slot.request != nullptr;
    }
    return busy;
  }

  bool fill() {
    batch_.n_tokens = 0;
    for (Slot& slot : slots_) {
      slot.row = -1;
      if (slot.request != nullptr && !slot.in_prompt()) add(slot, slot.next, true);
    }
    for (Slot& slot : slots_) {
      if (slot.request == nullptr || slot.row >= 0) continue;
      const auto& prompt = slot.request->prompt;
      while (slot.in_prompt() && batch_.n_tokens < kBatch) {
        add(slot, prompt[slot.position], slot.position + 1 == static_cast<int>(prompt.size()));
      }
    }
    return batch_.n_tokens > 0;
  }

  void add(Slot& slot, llama_token token, bool wants_logits) {
    const int row = batch_.n_tokens++;
    batch_.token[row] = token;
    batch_.pos[row] = slot.position++;
    batch_.n_seq_id[row] = 1;
    batch_.seq_id[row][0] = static_cast<int>(&slot - slots_.data());
    batch_.logits[row] = wants_logits;
    if (wants_logits) slot.row = row;
  }

  void draw() {
    for (Slot& slot : slots_) {
      if (slot.request == nullptr || slot.row < 0) continue;
      const float* logits = llama_get_logits_ith(context_, slot.row);
      slot.next = static_cast<llama_token>(std::max_element(logits, logits + vocab_) - logits);
      Request& request = *slot.request;
      if (request.generated++ == 0) request.first_token_s = seconds();
      if (request.generated < request.output) continue;
      request.end_s = seconds();
      llama_memory_seq_rm(llama_get_memory(context_), static_cast<int>(&slot - slots_.data()), -1,
                          -1);
      slot.request = nullptr;
    }
  }

  llama_context* context_;
  int vocab_;
  std::vector<Request>& requests_;
  std::vector<Slot> slots_;
  bool closed_;
  llama_batch batch_;
  size_t next_ = 0;
  int64_t start_ns_ = 0;
};

}  // namespace

nlohmann::json serve(const Options& options) {
  std::ifstream file(options.word(2));
  const nlohmann::json workload = nlohmann::json::parse(file);
  std::vector<Request> requests;
  int longest = 0;
  for (const nlohmann::json& r : workload["requests"]) {
    requests.push_back({r["at_s"], r["prompt"], r["output"]});
    longest =
        std::max(longest, static_cast<int>(requests.back().prompt.size()) + requests.back().output);
  }
  const int slots = options.number("--slots", 1);
  const ModelPointer model = load_model(options.word(1), options);
  const ContextPointer context = make_context(model.get(), options, slots * longest, slots);
  Server server(context.get(), requests, slots, workload["closed"]);
  server.run();
  const double seconds = server.seconds();
  nlohmann::json done = nlohmann::json::array();
  for (const Request& r : requests) {
    done.push_back({{"at_s", r.at_s},
                    {"first_token_s", r.first_token_s},
                    {"end_s", r.end_s},
                    {"prompt_tokens", r.prompt.size()},
                    {"output_tokens", r.generated}});
  }
  return {{"peer", std::string("llama.cpp ") + llama_version()},
          {"slots", slots},
          {"seconds", seconds},
          {"requests", done},
          {"peak_rss_bytes", status_bytes("VmHWM")}};
}
