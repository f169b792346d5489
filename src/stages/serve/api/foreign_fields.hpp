#pragma once
// Fields of other servers that are not held here: those that change no answer are taken, those
// that would are refused by name unless they have the value that changes nothing.

#include <verge/stages/serve/api/json_fields.hpp>

namespace verge::serve::api {

/// Of OpenAI's clients, vLLM's and llama-server's.
void read_foreign_fields(Fields& fields);
/// Of Ollama's requests, and of their `options`.
void read_foreign_ollama_fields(Fields& fields);
void read_foreign_ollama_options(Fields& options);

}  // namespace verge::serve::api
