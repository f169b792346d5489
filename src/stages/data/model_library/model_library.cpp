#include <algorithm>
#include <filesystem>
#include <map>

#include <nlohmann/json.hpp>

#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/nn/config.hpp>
#include <verge/stages/data/model_library/model_library.hpp>

namespace verge::data {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

using Files = std::vector<std::pair<std::string, std::string>>;

// Of a folder: the files that hold tensors, and beside them configuration and tokenizer.
Files files_of(const std::string& path, const format::ModelSource& source) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return {{"", path}};
  Files files;
  for (const auto& file : source.files) {
    files.emplace_back(fs::path(file->path()).filename(), file->path());
  }
  for (const auto& entry : fs::directory_iterator(path, error)) {
    const std::string extension = entry.path().extension();
    const bool is_text = extension == ".json" || extension == ".jinja" || extension == ".txt" ||
                         extension == ".model";
    if (!entry.is_regular_file(error) || !is_text) continue;
    files.emplace_back(entry.path().filename(), entry.path());
  }
  return files;
}

}  // namespace

ModelFacts facts_of(const format::ModelSource& source) {
  ModelFacts facts;
  facts.format = source.format;
  facts.architecture = model::FileFacts(source).architecture();
  const auto context = source.metadata.get_i64(facts.architecture + ".context_length");
  if (context) facts.context = *context;
  std::map<std::string, size_t> bytes;
  for (const format::StoredTensor& tensor : source.tensors()) {
    facts.parameters += tensor.shape.count();
    bytes[tensor.type_name] += tensor.bytes.size();
  }
  if (bytes.empty()) return facts;
  facts.type =
      std::ranges::max_element(bytes, {}, [](const auto& entry) { return entry.second; })->first;
  return facts;
}

std::string to_json(const ModelFacts& facts) {
  const ordered_json json = {{"format", facts.format},
                             {"architecture", facts.architecture},
                             {"parameters", facts.parameters},
                             {"type", facts.type},
                             {"context", facts.context}};
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

ModelFacts facts_from_json(std::string_view text) {
  ModelFacts facts;
  const auto json = ordered_json::parse(text, nullptr, false);
  if (!json.is_object()) return facts;
  const auto read = [&](const char* key, auto& value) {
    const auto found = json.find(key);
    if (found == json.end() || found->is_string() != ordered_json(value).is_string()) return;
    if (found->is_string() || found->is_number_integer()) found->get_to(value);
  };
  read("format", facts.format);
  read("architecture", facts.architecture);
  read("parameters", facts.parameters);
  read("type", facts.type);
  read("context", facts.context);
  return facts;
}

// Without links where they can be followed, else as it was given.
fs::path full_path(const std::string& path) {
  std::error_code error;
  fs::path full = fs::weakly_canonical(path, error);
  return error ? fs::path(path).lexically_normal() : full;
}

std::string default_name(const std::string& path) {
  const fs::path file = full_path(path);
  std::string name = file.extension() == ".gguf" ? file.stem() : file.filename();
  for (char& letter : name) {
    if (!store::check_name(std::string("a") + letter)) letter = '-';
  }
  name.erase(0, name.find_first_not_of("-._:+"));
  return name.substr(0, store::kMostNameBytes);
}

Result<Import> import_model(store::Store& store, const ImportRequest& request,
                            const store::Watch& watch) {
  store::NewArtifact wanted{
      .kind = kModel,
      .name = request.name.empty() ? default_name(request.path) : request.name,
      .files = {},
      .how = request.how};
  VERGE_RETURN_IF_ERROR(store::check_name(wanted.name));
  Import import;
  {
    VERGE_TRY(const auto source, format::ModelSource::open(request.path));
    wanted.files = files_of(request.path, source);
    import.facts = facts_of(source);
    const auto config = nn::read_config(model::FileFacts(source));
    if (!config) import.obstacle = config.error().message;
  }
  wanted.facts = to_json(import.facts);
  wanted.origins = {{"import", full_path(request.path)}};
  VERGE_TRY(store::Added added, store.add(wanted, watch));
  import.artifact = std::move(added.artifact);
  import.was_there = added.was_there;
  return import;
}

Result<std::string> model_path(const store::Store& store, const std::string& model) {
  std::error_code error;
  if (fs::exists(model, error) || !store::check_name(model)) return model;
  VERGE_TRY(const auto found, store.lookup(kModel, model));
  if (found) return store.path(*found);
  VERGE_TRY(const store::Listing all, store.list(kModel));
  return make_error(Code::NotFound, "{}: no such file or folder, and no stored model; {}", model,
                    store::other_names(model, all.sound));
}

}  // namespace verge::data
