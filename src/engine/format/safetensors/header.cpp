#include <optional>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include <verge/core/shape.hpp>
#include <verge/engine/format/safetensors/header.hpp>

namespace verge::format {
namespace {

using nlohmann::json;

// A SAX handler (nlohmann::json_sax). Depth 1 holds tensor names, depth 2 their fields; every
// function returns false to stop, with the reason in error_.
class Handler : public nlohmann::json_sax<json> {
 public:
  explicit Handler(SafetensorsHeader& out) : out_(out) {}

  const std::optional<Error>& error() const { return error_; }

  bool start_object(size_t) override {
    if (in_array_ || depth_ > 1 || (depth_ == 1 && name_.empty())) return unexpected("an object");
    ++depth_;
    fields_.clear();
    if (depth_ == 2) in_metadata_ = name_ == "__metadata__";
    if (depth_ == 2 && !in_metadata_) out_.tensors.push_back({name_, "", {}, 0, 0});
    return true;
  }

  bool key(std::string& key) override {
    if (depth_ == 1) {
      if (!names_.insert(key).second) return refuse("tensor {}: appears twice", key);
      name_ = key;
      return !key.empty() || refuse("{}: a tensor without a name", "header");
    }
    if (!fields_.insert(key).second) return refuse("tensor {}: field {} appears twice", name_, key);
    field_ = key;
    const bool is_known = key == "dtype" || key == "shape" || key == "data_offsets";
    return in_metadata_ || is_known || refuse("tensor {}: unknown field {}", name_, key);
  }

  bool end_object() override {
    --depth_;
    if (depth_ == 1 && !in_metadata_ && fields_.size() != 3) {
      return refuse("tensor {}: needs dtype, shape and data_offsets", name_);
    }
    return true;
  }

  bool string(std::string& text) override {
    if (depth_ != 2 || in_array_) return unexpected("a string");
    if (in_metadata_) {
      out_.metadata.emplace_back(field_, text);
    } else if (field_ == "dtype") {
      out_.tensors.back().type = text;
    } else {
      return unexpected("a string");
    }
    return true;
  }

  bool start_array(size_t) override {
    const bool is_list = depth_ == 2 && !in_metadata_ && field_ != "dtype";
    if (!is_list || in_array_) return unexpected("an array");
    in_array_ = true;
    items_ = 0;
    return true;
  }

  bool number_unsigned(uint64_t number) override {
    if (!in_array_) return unexpected("a number");
    SafetensorsEntry& tensor = out_.tensors.back();
    if (field_ == "shape") {
      if (items_ == Shape::kMaxRank) {
        return refuse("tensor {}: more than {} dimensions", name_, Shape::kMaxRank);
      }
      tensor.shape.push_back(number);
    } else if (items_ < 2) {
      (items_ == 0 ? tensor.begin : tensor.end) = number;
    }
    ++items_;
    return true;
  }

  bool end_array() override {
    in_array_ = false;
    if (field_ == "data_offsets" && items_ != 2) {
      return refuse("tensor {}: data_offsets has {} numbers, expected 2", name_, items_);
    }
    return true;
  }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a bool"); }
  bool number_integer(int64_t) override { return unexpected("a negative number"); }
  bool number_float(double, const std::string&) override { return unexpected("a fraction"); }
  bool binary(json::binary_t&) override { return unexpected("binary data"); }
  bool parse_error(size_t position, const std::string&, const json::exception&) override {
    return refuse("header: no valid JSON at byte {}", position + 8);  // behind the length
  }

 private:
  template <typename... Args>
  bool refuse(fmt::format_string<Args...> format, Args&&... args) {
    error_ = Error{Code::Malformed, fmt::format(format, std::forward<Args>(args)...) +
                                        "; the file is damaged: fetch it again"};
    return false;
  }
  bool unexpected(std::string_view found) {
    if (depth_ < 2) return refuse("header: {} where an object is expected", found);
    return refuse("tensor {}: field {} holds {}", name_, field_, found);
  }

  SafetensorsHeader& out_;
  std::optional<Error> error_;
  int depth_ = 0;
  bool in_array_ = false;
  bool in_metadata_ = false;
  uint64_t items_ = 0;
  std::string name_;
  std::string field_;
  std::unordered_set<std::string> names_;
  std::unordered_set<std::string> fields_;
};

}  // namespace

Result<SafetensorsHeader> parse_safetensors_header(std::string_view text) {
  SafetensorsHeader header;
  Handler handler(header);
  if (json::sax_parse(text, &handler)) return header;
  VERGE_CHECK(handler.error().has_value());
  return *handler.error();
}

}  // namespace verge::format
