#include <algorithm>
#include <charconv>

#include <verge/core/checksum.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/split_facts.hpp>

namespace verge::model {
namespace {

using format::Metadata;
using format::ModelSource;
using format::StoredTensor;

constexpr std::string_view kModel = "verge.split.model", kTokenizer = "verge.split.tokenizer",
                           kLayers = "verge.split.layers", kExits = "verge.split.exits";

void add_text(Checksum& sum, std::string_view text) {
  sum.add(std::as_bytes(std::span(text)));
}

std::string show_hash(const Checksum& sum) {
  return fmt::format("xxh3:{:016x}", sum.value());
}

// Sorted, so that rewriting a file changes nothing.
void add_entries(Checksum& sum, const Metadata& metadata,
                 const std::vector<std::string>& prefixes) {
  std::vector<const format::Entry*> entries;
  for (const format::Entry& entry : metadata.entries()) {
    const auto starts = [&](const std::string& prefix) { return entry.key.starts_with(prefix); };
    if (std::ranges::any_of(prefixes, starts)) entries.push_back(&entry);
  }
  std::ranges::sort(entries, {}, [](const format::Entry* entry) { return entry->key; });
  for (const format::Entry* entry : entries) {
    add_text(sum, entry->key);
    sum.add(entry->value.bytes);
  }
}

Status add_tensor(Checksum& sum, const StoredTensor& tensor) {
  add_text(sum, fmt::format("{} {} {};", tensor.name, tensor.type_name, tensor.shape.str()));
  if (tensor.interleave_heads == 0) {
    sum.add(tensor.bytes);
    return {};
  }
  std::vector<std::byte> rows(tensor.bytes.size());
  VERGE_RETURN_IF_ERROR(tensor.copy_to(rows));
  sum.add(rows);
  return {};
}

Error odd_keys(const ModelSource& source, std::string_view key) {
  return make_error(Code::Malformed, "{}: {} does not fit the model; split it again", source.path,
                    key);
}

// N of "blk.N." with the prefix "blk.", or -1.
int64_t number_after(std::string_view prefix, std::string_view tensor) {
  int64_t number = -1;
  if (tensor.starts_with(prefix)) {
    std::from_chars(tensor.data() + prefix.size(), tensor.data() + tensor.size(), number);
  }
  return number;
}

int64_t layer_of(std::string_view tensor) {
  return number_after("blk.", tensor);
}

}  // namespace

Result<std::optional<SplitFacts>> read_split(const ModelSource& source) {
  const Metadata& metadata = source.metadata;
  if (!metadata.contains(kModel)) return std::optional<SplitFacts>();
  SplitFacts facts;
  VERGE_TRY(facts.model, metadata.get_string(kModel));
  VERGE_TRY(facts.tokenizer, metadata.get_string(kTokenizer));
  VERGE_TRY(const auto layers, metadata.get_array<int64_t>(kLayers));
  VERGE_TRY(facts.exits, metadata.get_array<int64_t>(kExits));
  if (layers.size() != 2 || layers[0] < 0 || layers[0] >= layers[1]) {
    return odd_keys(source, kLayers);
  }
  if (facts.exits.size() != 2 || facts.exits[0] < 1 || facts.exits[0] >= facts.exits[1]) {
    return odd_keys(source, kExits);
  }
  facts.layers = {layers[0], layers[1]};
  return std::optional(facts);
}

void write_split(const SplitFacts& facts, Metadata& metadata) {
  const auto set = [&](std::string_view key, const std::vector<int64_t>& values) {
    const std::vector<int32_t> narrow(values.begin(), values.end());
    metadata.set_array<int32_t>(key, narrow);
  };
  metadata.set(kModel, facts.model);
  metadata.set(kTokenizer, facts.tokenizer);
  set(kLayers, {facts.layers.first, facts.layers.end});
  set(kExits, facts.exits);
}

Result<std::string> model_hash(const ModelSource& source) {
  VERGE_TRY(const std::optional<SplitFacts> split, read_split(source));
  if (split) return split->model;
  for (const auto& file : source.files) file->advise(Advice::Sequential, 0, file->size());
  std::vector<const StoredTensor*> tensors;
  for (const StoredTensor& tensor : source.tensors()) tensors.push_back(&tensor);
  std::ranges::sort(tensors, {}, &StoredTensor::name);
  Checksum sum;
  add_entries(sum, source.metadata,
              {"general.architecture", FileFacts(source).architecture() + ".", "verge.exit"});
  for (const StoredTensor* tensor : tensors) VERGE_RETURN_IF_ERROR(add_tensor(sum, *tensor));
  return show_hash(sum);
}

Result<std::string> tokenizer_hash(const ModelSource& source) {
  VERGE_TRY(const std::optional<SplitFacts> split, read_split(source));
  if (split) return split->tokenizer;
  VERGE_TRY(const text::Vocabulary vocabulary, read_vocabulary(source));
  Metadata tables;
  write_vocabulary(vocabulary, tables);
  Checksum sum;
  add_entries(sum, tables, {"tokenizer."});
  return show_hash(sum);
}

Result<nn::LayerSpan> layers_of(const ModelSource& source, const nn::DecoderConfig& config) {
  VERGE_TRY(const std::optional<SplitFacts> split, read_split(source));
  if (!split) return nn::LayerSpan{0, config.layers};
  if (split->layers.end > config.layers) return odd_keys(source, kLayers);
  return split->layers;
}

std::vector<const StoredTensor*> tensors_of(const ModelSource& source, nn::LayerSpan layers) {
  const bool is_tied = source.find("output.weight") == nullptr;
  int64_t last = 0;
  for (const StoredTensor& tensor : source.tensors()) last = std::max(last, layer_of(tensor.name));
  const bool has_last = layers.end == 0 || layers.end > last;
  const auto is_needed = [&](const StoredTensor& tensor) {
    if (const int64_t layer = layer_of(tensor.name); layer >= 0) {
      return layer >= layers.first && (has_last || layer < layers.end);
    }
    if (const int64_t after = number_after("exit.", tensor.name); after >= 0) {
      return after == layers.end || (layers.first == 0 && (has_last || after < layers.end));
    }
    if (tensor.name.starts_with("token_embd.")) return layers.first == 0 || is_tied;
    return has_last || !tensor.name.starts_with("output_norm.");
  };
  std::vector<const StoredTensor*> needed;
  for (const StoredTensor& tensor : source.tensors()) {
    if (is_needed(tensor)) needed.push_back(&tensor);
  }
  return needed;
}

}  // namespace verge::model
