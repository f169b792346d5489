// One range of layers runs ahead of the next, on one node or two: the bits of a text that never
// left early, whatever else is in the step.

#include <optional>

#include "layers_case.hpp"

namespace verge::runtime {
namespace {

using Bytes = std::vector<std::byte>;
using Floats = std::vector<float>;

/// A device and a server that share one text: the device holds [0, second exit), the server
/// [first exit, all), of states alone.
struct TwoNodes {
  TwoNodes(model::LanguageModel& edge_model, model::LanguageModel& cloud_model)
      : edge(edge_model.decoder()),
        cloud(cloud_model.decoder()),
        low(**edge_model.prepare_layers({0, kFirstExit})),
        middle(**edge_model.prepare_layers({kFirstExit, kSecondExit})),
        high(**cloud_model.prepare_layers({kFirstExit, 0})),
        here(edge),
        there(cloud) {}

  // Runs tokens through the first exit; their states wait.
  Status run_low(std::span<const int32_t> tokens) {
    const StepItem item{&here, tokens};
    VERGE_RETURN_IF_ERROR(run_layers(low, edge, std::span(&item, 1)));
    const auto states = step_states(edge, 0, std::ssize(tokens));
    pending.insert(pending.end(), states.begin(), states.end());
    return {};
  }

  // All that waits, on both nodes; logits of the last row of each.
  Status flush(bool one_by_one) {
    const auto tokens = std::span(here.tokens()).subspan(static_cast<size_t>(done));
    const StepItem mine{.sequence = &here,
                        .tokens = tokens,
                        .states = pending,
                        .first = done,
                        .one_by_one = one_by_one};
    VERGE_RETURN_IF_ERROR(run_layers(middle, edge, std::span(&mine, 1)));
    const std::vector<int32_t> unknown(tokens.size(), 0);
    const StepItem theirs{
        .sequence = &there, .tokens = unknown, .states = pending, .one_by_one = one_by_one};
    VERGE_RETURN_IF_ERROR(run_layers(high, cloud, std::span(&theirs, 1)));
    largest = std::max(largest, here.length() - done);
    done = here.length();
    pending.clear();
    return {};
  }

  void truncate(int64_t length) {
    here.truncate(length);
    done = std::min(done, length);
    there.truncate(std::min(there.length(), length));
    pending.resize(static_cast<size_t>((length - done) * edge.d_model));
  }

  Decoder &edge, &cloud;
  LayerPlans &low, &middle, &high;
  Sequence here, there;
  int64_t done = 0;  // positions that have keys and values above the first exit
  Floats pending;    // states of those after
  int64_t largest = 0;
};

/// Both parts of the model that a test has loaded.
class PendingLayers : public LayersCase {
 protected:
  void load_parts(std::string_view shape, DType weights, DType cache) {
    load(shape, weights, cache);
    model::LoadOptions part = options(cache);
    part.layers = {0, kSecondExit};
    edge_ = test::load_model(path_, pool_, part);
    part.layers = {kFirstExit, 0};
    cloud_ = test::load_model(path_, pool_, part);
    ASSERT_NE(edge_, nullptr);
    ASSERT_NE(cloud_, nullptr);
    nodes_.emplace(*edge_, *cloud_);
  }

  // Of each layer of both nodes, against the run that never left early.
  void expect_same_cache(const WholeRun& whole, bool exact) {
    const auto expect = [&](const Sequence& sequence, int64_t layer, int64_t of_whole) {
      const Bytes got = test::keys_and_values(sequence, layer, 0, nodes_->done);
      const Bytes& all = whole.cache[static_cast<size_t>(of_whole)];
      const Bytes expected(all.begin(), all.begin() + std::ssize(got));
      if (exact) {
        ASSERT_EQ(got, expected) << "layer " << of_whole << " after " << nodes_->done;
        return;
      }
      const auto floats = [](const Bytes& bytes) {
        return std::span(reinterpret_cast<const float*>(bytes.data()), bytes.size() / 4);
      };
      ASSERT_LE(test::relative_error(floats(got), floats(expected)), 1e-5) << "layer " << of_whole;
    };
    for (int64_t layer = 0; layer < kSecondExit; ++layer) expect(nodes_->here, layer, layer);
    for (int64_t layer = 0; layer < kAllLayers - kFirstExit; ++layer) {
      expect(nodes_->there, layer, layer + kFirstExit);
    }
  }

  // Tokens are given; where one leaves at the first exit is drawn.
  void expect_repaired(double leaves, bool one_by_one, uint64_t seed) {
    const size_t prompt = 40, decoded = test::kSanitized ? 20 : 120;
    const auto tokens = test::random_tokens(static_cast<int>(prompt + decoded), vocab_, seed);
    std::vector<size_t> pieces = {prompt};
    pieces.insert(pieces.end(), decoded, 1);
    const WholeRun whole = run_whole(tokens, pieces);
    ASSERT_TRUE(nodes_->run_low(std::span(tokens).first(prompt)).ok());
    ASSERT_TRUE(nodes_->flush(false).ok());
    nodes_->largest = 0;
    Rng rng(seed, 5);
    for (size_t at = prompt; at < tokens.size(); ++at) {
      ASSERT_TRUE(nodes_->run_low(std::span(tokens).subspan(at, 1)).ok());
      const bool is_full = nodes_->here.length() - nodes_->done == 32;
      if (!is_full && at + 1 < tokens.size() && rng.uniform() < leaves) continue;
      const Status status = nodes_->flush(one_by_one);
      ASSERT_TRUE(status.ok()) << status.error().message;
      const auto logits = step_logits(nodes_->cloud, 0);
      if (one_by_one) {
        ASSERT_TRUE(same_bits(logits, whole.logits[at])) << "token " << at;
      } else {
        ASSERT_LE(test::relative_error(logits, whole.logits[at]), 1e-4) << "token " << at;
      }
      expect_same_cache(whole, one_by_one);
      if (HasFatalFailure()) return;
    }
    nodes_->truncate(0);
  }

  std::unique_ptr<model::LanguageModel> edge_, cloud_;
  std::optional<TwoNodes> nodes_;
};

TEST_F(PendingLayers, FlushedOneByOneGivesTheBitsOfNeverLeaving) {
  for (const std::string_view shape : {"tiny-llama", "tiny-gemma3"}) {
    load_parts(shape, DType::Q8_0, DType::F16);
    expect_repaired(0.5, true, 3);
    if (HasFatalFailure()) return;
    EXPECT_GT(nodes_->largest, 2);
    expect_repaired(0.99, true, 4);
    if (HasFatalFailure()) return;
    EXPECT_GE(nodes_->largest, test::kSanitized ? 15 : 32);
    nodes_.reset();
  }
}

// Larger flushes are attended by tiles, whose sums have another order.
TEST_F(PendingLayers, FlushedAtOnceIsTheSameButForRounding) {
  load_parts("tiny-llama", DType::F32, DType::F32);
  for (const double leaves : {0.5, 0.9, 0.99}) {
    expect_repaired(leaves, false, 7);
    if (HasFatalFailure()) return;
  }
}

TEST_F(PendingLayers, RolledBackTextsGoOnAsIfNothingHadBeen) {
  load_parts("tiny-llama", DType::Q8_0, DType::F16);
  const auto tokens = test::random_tokens(60, vocab_, 1),
             others = test::random_tokens(60, vocab_, 2);
  std::vector<size_t> pieces = {40};
  pieces.insert(pieces.end(), 20, 1);
  const WholeRun whole = run_whole(tokens, pieces);
  const auto run_singly = [&](std::span<const int32_t> text) {
    for (const int32_t& token : text) ASSERT_TRUE(nodes_->run_low({&token, 1}).ok());
  };
  ASSERT_TRUE(nodes_->run_low(std::span(tokens).first(40)).ok());
  ASSERT_TRUE(nodes_->flush(false).ok());
  run_singly(std::span(tokens).subspan(40, 5));
  ASSERT_TRUE(nodes_->flush(true).ok());
  run_singly(std::span(others).subspan(45, 10));
  nodes_->truncate(50);  // within what waits
  run_singly(std::span(others).subspan(50, 4));
  ASSERT_TRUE(nodes_->flush(true).ok());
  nodes_->truncate(45);  // back behind what both have
  EXPECT_EQ(nodes_->done, 45);
  EXPECT_TRUE(nodes_->pending.empty());
  run_singly(std::span(tokens).subspan(45));
  ASSERT_TRUE(nodes_->flush(true).ok());
  EXPECT_TRUE(same_bits(step_logits(nodes_->cloud, 0), whole.logits.back()));
  expect_same_cache(whole, true);
}

// A sequence's states on their way through the upper layers, with what is expected of them.
struct Upload {
  std::vector<int32_t> tokens;
  std::vector<size_t> pieces;
  Floats states;
  WholeRun whole;
  size_t at = 0, piece = 0;
};

TEST_F(PendingLayers, ManySequencesInOneStepAreEachAsAlone) {
  load_parts("tiny-llama", DType::Q4_0, DType::F16);
  const auto width = static_cast<size_t>(decoder().d_model);
  std::vector<Upload> uploads(test::kSanitized ? 4 : 12);
  Rng rng(9, 0);
  for (size_t i = 0; i < uploads.size(); ++i) {
    Upload& upload = uploads[i];
    const size_t prompt = static_cast<size_t>(decoder().min_chunk) * 2 + rng.below(20);
    upload.pieces = pieces_of(decoder(), prompt, 6);
    upload.tokens = test::random_tokens(static_cast<int>(prompt + 6), vocab_, 20 + i);
    upload.whole = run_whole(upload.tokens, upload.pieces);
    size_t at = 0;
    for (const size_t count : upload.pieces) {
      ASSERT_TRUE(nodes_->run_low(std::span(upload.tokens).subspan(at, count)).ok());
      at += count;
    }
    upload.states = std::move(nodes_->pending);
    nodes_->pending.clear();
    nodes_->truncate(0);
  }
  std::vector<Sequence> sequences;
  for (size_t i = 0; i < uploads.size(); ++i) sequences.emplace_back(nodes_->cloud);
  const std::vector<int32_t> unknown(128, 0);
  for (size_t open = uploads.size(); open > 0;) {
    std::vector<StepItem> items;
    std::vector<size_t> chosen;
    size_t rows = 0;
    const size_t first = rng.below(static_cast<uint32_t>(uploads.size()));
    for (size_t i = 0; i < uploads.size(); ++i) {
      const size_t index = (first + i) % uploads.size();
      Upload& upload = uploads[index];
      if (upload.piece == upload.pieces.size() || rng.below(4) == 0) continue;
      const size_t count = upload.pieces[upload.piece];
      if (rows + count > 128) continue;
      rows += count;
      chosen.push_back(index);
      items.push_back(
          {.sequence = &sequences[index],
           .tokens = std::span(unknown).first(count),
           .outputs = static_cast<int64_t>(count),
           .states = std::span(upload.states).subspan(upload.at * width, count * width)});
    }
    const int64_t before = nodes_->cloud.layer_tokens;
    const Status status = run_layers(nodes_->high, nodes_->cloud, items);
    ASSERT_TRUE(status.ok()) << status.error().message;
    EXPECT_EQ(nodes_->cloud.layer_tokens - before,
              static_cast<int64_t>(rows) * (kAllLayers - kFirstExit));
    int64_t row = 0;
    for (const size_t index : chosen) {
      Upload& upload = uploads[index];
      for (size_t k = 0; k < upload.pieces[upload.piece]; ++k, ++row) {
        ASSERT_TRUE(same_bits(step_logits(nodes_->cloud, row), upload.whole.logits[upload.at + k]))
            << "sequence " << index << ", token " << upload.at + k;
      }
      upload.at += upload.pieces[upload.piece++];
      if (upload.piece == upload.pieces.size()) --open;
    }
  }
}

TEST_F(PendingLayers, RefusesWhatCannotBeRun) {
  load_parts("tiny-llama", DType::F32, DType::F16);
  const auto tokens = test::random_tokens(200, vocab_);
  const auto refused = [&](LayerPlans& layers, Decoder& decoder, const StepItem& item) {
    const Status status = run_layers(layers, decoder, std::span(&item, 1));
    EXPECT_FALSE(status.ok());
    return status.ok() ? Error{} : status.error();
  };
  TwoNodes& nodes = *nodes_;
  ASSERT_TRUE(nodes.run_low(std::span(tokens).first(10)).ok());
  const Floats states(static_cast<size_t>(129 * nodes.edge.d_model));
  const auto rows = [&](size_t count) {
    return std::span(states).first(count * static_cast<size_t>(nodes.edge.d_model));
  };
  // A gap after what the sequence has.
  const StepItem gap{.sequence = &nodes.here,
                     .tokens = std::span(tokens).first(1),
                     .states = rows(1),
                     .first = 11};
  EXPECT_NE(refused(nodes.middle, nodes.edge, gap).message.find("11"), std::string::npos);
  // More rows than the plans are for, or more one by one than sequences.
  const StepItem many{
      .sequence = &nodes.there, .tokens = std::span(tokens).first(129), .states = rows(129)};
  EXPECT_EQ(refused(nodes.high, nodes.cloud, many).code, Code::InvalidArgument);
  const StepItem apart{.sequence = &nodes.there,
                       .tokens = std::span(tokens).first(41),
                       .states = rows(41),
                       .one_by_one = true};
  EXPECT_EQ(refused(nodes.high, nodes.cloud, apart).code, Code::InvalidArgument);
  // Beyond the context.
  const StepItem far{.sequence = &nodes.here, .tokens = std::span(tokens).first(100), .first = 10};
  ASSERT_TRUE(run_layers(nodes.low, nodes.edge, std::span(&far, 1)).ok());
  const StepItem farther{.sequence = &nodes.here, .tokens = std::span(tokens).first(128)};
  ASSERT_TRUE(run_layers(nodes.low, nodes.edge, std::span(&farther, 1)).ok());
  EXPECT_EQ(refused(nodes.low, nodes.edge, farther).code, Code::InvalidArgument);
  EXPECT_EQ(nodes.here.length(), 238);
  // What only a defect asks for.
  const StepItem stateless{.sequence = &nodes.there, .tokens = std::span(tokens).first(2)};
  EXPECT_THROW((void)run_layers(nodes.high, nodes.cloud, std::span(&stateless, 1)), InternalError);
  EXPECT_THROW((void)run_step(nodes.cloud, std::span(&stateless, 1)), InternalError);
  EXPECT_THROW((void)step_states(nodes.edge, 128), InternalError);
  EXPECT_EQ(nodes.there.length(), 0);
}

TEST_F(PendingLayers, AFailureLeavesAllAsItWas) {
  load_parts("tiny-llama", DType::F32, DType::F16);
  TwoNodes& nodes = *nodes_;
  const auto tokens = test::random_tokens(50, vocab_);
  ASSERT_TRUE(nodes.run_low(std::span(tokens).first(40)).ok());
  const int32_t free = nodes.cloud.pool.free_pages();
  const int64_t computed = nodes.cloud.layer_tokens;
  const std::vector<int32_t> unknown(40, 0);
  const StepItem item{.sequence = &nodes.there, .tokens = unknown, .states = nodes.pending};
  const std::atomic<bool> cancel = true;
  EXPECT_EQ(run_layers(nodes.high, nodes.cloud, std::span(&item, 1), &cancel).error().code,
            Code::Cancelled);
  EXPECT_EQ(nodes.there.length(), 0);
  EXPECT_EQ(nodes.cloud.pool.free_pages(), free);
  EXPECT_EQ(nodes.cloud.layer_tokens, computed);
  std::vector<Sequence> hogs;
  while (nodes.cloud.pool.free_pages() > 1) {
    hogs.emplace_back(nodes.cloud);
    ASSERT_TRUE(hogs.back().reserve(1).ok());
  }
  EXPECT_EQ(run_layers(nodes.high, nodes.cloud, std::span(&item, 1)).error().code,
            Code::OutOfMemory);
  EXPECT_EQ(nodes.cloud.pool.free_pages(), 1);
  hogs.clear();
  ASSERT_TRUE(nodes.flush(false).ok());
  EXPECT_EQ(nodes.there.length(), 40);
}

}  // namespace
}  // namespace verge::runtime
