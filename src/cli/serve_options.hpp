#pragma once
// The options of `verge serve`, and the server that they describe.

#include <string>
#include <vector>

#include <verge/cli/collab_device.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/speculation.hpp>
#include <verge/stages/serve/api/model_server.hpp>

namespace verge::cli {

struct ServeOptions {
  std::vector<std::string> models;  // PATH, a stored name, or NAME=one of these
  std::string host = "127.0.0.1";
  int port = 8080;
  std::string unix_socket;
  std::string tls_certificate;
  std::string tls_key;
  std::string api_keys;
  std::string usage;  // "": beside the keys; "none": nowhere
  bool insecure = false;
  std::vector<std::string> origins;
  int max_connections = 8192;
  int http_threads = 2;

  int64_t context = 0;
  int64_t max_sequences = 16;
  int64_t kv_tokens = 0;
  std::string kv_memory;
  std::string kv = "f16";
  std::string isa;
  std::string memory;
  ThreadOptions threads;
  double idle_timeout_s = 0;

  std::vector<std::string> adapters;  // [MODEL:]NAME=FILE[:SCALE]
  std::vector<std::string> deltas;    // [MODEL=]FILE, of apply_deltas

  SpeculationOptions speculation;  // of each model
  CollabOptions collab;            // of the one model, where a cloud answers with it

  int64_t max_queue = 1024;
  int64_t max_queue_per_tenant = 0;  // 0: half of max_queue where keys are given, else all
  int64_t step_tokens = 512;
  std::string spill_folder;
  std::string prompt_cache_folder;
  bool no_prefix_cache = false;

  std::string log_format = "text";
  double drain_timeout_s = 30;

  void declare(Parser& parser);
  /// Everything but what needs the process: service callbacks, the access log, pages. Fails with
  /// InvalidArgument or NotFound, naming the option.
  Result<serve::api::ModelServerOptions> server_options() const;
};

/// "name=path", or a path or stored name, which then gives the name: "qwen.gguf" is "qwen".
Result<serve::ServedModel> served_model(const std::string& argument,
                                        const model::LoadOptions& load);

}  // namespace verge::cli
