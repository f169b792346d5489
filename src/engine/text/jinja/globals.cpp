#include <ctime>

#include <verge/engine/text/jinja/globals.hpp>
#include <verge/engine/text/jinja/print.hpp>

namespace verge::text::jinja {
namespace {

Value range(Run& run, const Arguments& arguments) {
  const size_t given = arguments.positional.size();
  if (given < 1 || given > 3) run.fail("range takes one to three numbers, not {}", given);
  int64_t bounds[3] = {0, 0, 1};
  for (size_t i = 0; i < given; ++i) {
    bounds[given == 1 ? 1 : i] = expect_int(run, arguments.positional[i], "range");
  }
  const auto [start, stop, step] = bounds;
  if (step == 0) run.fail("range: the step cannot be zero");
  std::vector<Value> items;
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    run.step();
    run.bytes(sizeof(Value));
    items.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return Value::list(run, std::move(items));
}

Value dict(Run& run, const Arguments& arguments) {
  std::vector<std::pair<std::string, Value>> entries;
  if (!arguments.positional.empty()) {
    const Value& other = arguments.positional[0];
    if (!other.is_dict()) run.fail("dict needs a dict or name=value, not {}", other.kind());
    run.step(static_cast<int64_t>(other.as_dict().entries.size()));
    entries = other.as_dict().entries;
  }
  entries.insert(entries.end(), arguments.named.begin(), arguments.named.end());
  return Value::dict(run, std::move(entries));
}

Value raise_exception(Run& run, const Arguments& arguments) {
  const Value* message = arguments.find(0, "message");
  run.fail("{}", message ? to_text(run, *message) : "the template refuses this conversation");
}

// Those of strftime that do not depend on a locale or time zone set elsewhere in the process.
constexpr std::string_view kConversions = "aAbBcdDeFHIjmMnpRStTuwxXyY%";

Value strftime_now(Run& run, const Arguments& arguments, int64_t now_unix_s) {
  const Value* wanted = arguments.find(0, "format");
  if (!wanted) run.fail("strftime_now needs a format");
  const std::string& format = expect_string(run, *wanted, "strftime_now");
  const time_t seconds = now_unix_s;
  std::tm broken_down{};
  if (!gmtime_r(&seconds, &broken_down)) run.fail("the time {} has no year", now_unix_s);
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    std::string conversion = "%";
    if (i + 1 < format.size() && format[i + 1] == '-') conversion += format[++i];  // no padding
    const char letter = i + 1 < format.size() ? format[++i] : '\0';
    if (letter == '\0' || kConversions.find(letter) == kConversions.npos) {
      run.fail("strftime_now does not know '{}'", conversion + letter);
    }
    char buffer[64];
    const size_t length =
        std::strftime(buffer, sizeof(buffer), (conversion + letter).c_str(), &broken_down);
    out.append(buffer, length);
    run.bytes(static_cast<int64_t>(length));
  }
  return out;
}

}  // namespace

std::vector<std::pair<std::string, Value>> global_functions(
    std::optional<int64_t> now_unix_s, std::vector<std::shared_ptr<Namespace>>& owned) {
  const auto make_namespace = [&owned](Run& run, const Arguments& arguments) -> Value {
    auto space = std::make_shared<Namespace>();
    run.bytes(sizeof(Namespace));
    if (!arguments.positional.empty() && arguments.positional[0].is_dict()) {
      for (const auto& [key, value] : arguments.positional[0].as_dict().entries) {
        space->attributes[key] = value;
      }
    }
    for (const auto& [key, value] : arguments.named) space->attributes[key] = value;
    owned.push_back(space);
    return space;
  };
  std::vector<std::pair<std::string, Value>> functions = {
      {"range", Function{"range", range}},
      {"dict", Function{"dict", dict}},
      {"namespace", Function{"namespace", make_namespace}},
      {"raise_exception", Function{"raise_exception", raise_exception}}};
  if (now_unix_s) {
    const auto now = [seconds = *now_unix_s](Run& run, const Arguments& arguments) {
      return strftime_now(run, arguments, seconds);
    };
    functions.emplace_back("strftime_now", Function{"strftime_now", now});
  }
  return functions;
}

}  // namespace verge::text::jinja
