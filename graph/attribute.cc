#include "graph/attribute.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace weft {
namespace {

// A short text that reads back as the same double.
std::string FloatText(double value) {
  std::string text = absl::StrCat(value);
  if (std::strtod(text.c_str(), nullptr) == value) return text;
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.17g", value);
  return buffer;
}

std::string InQuotes(const std::string& text) { return absl::StrCat("\"", text, "\""); }

template <typename T, typename F>
std::string List(const std::vector<T>& items, F&& text) {
  return absl::StrCat(
      "[", absl::StrJoin(items, ",", [&](std::string* out, const T& item) { *out += text(item); }),
      "]");
}

std::string PostOpText(const PostOp& post_op) {
  std::string text = post_op.op;
  std::vector<std::string> parts;
  if (post_op.input >= 0) parts.push_back(absl::StrCat("input=", post_op.input));
  for (const auto& [name, value] : post_op.attributes) {
    parts.push_back(absl::StrCat(name, "=", value.ToString()));
  }
  return parts.empty() ? text : absl::StrCat(text, "(", absl::StrJoin(parts, ", "), ")");
}

std::string TensorText(const Tensor& tensor) {
  constexpr int64_t kShown = 8;
  std::string type = tensor.is_empty() ? "empty" : ToString(tensor.type());
  if (tensor.is_empty() || tensor.size() > kShown) return type;
  std::vector<std::string> elements;
  for (int64_t i = 0; i < tensor.size(); ++i) elements.push_back(absl::StrCat(tensor.At(i)));
  return absl::StrCat(type, "{", absl::StrJoin(elements, ","), "}");
}

struct ToText {
  std::string operator()(int64_t v) const { return std::to_string(v); }
  std::string operator()(double v) const { return FloatText(v); }
  std::string operator()(const std::string& v) const { return InQuotes(v); }
  std::string operator()(const std::vector<int64_t>& v) const { return weft::ToString(v); }
  std::string operator()(const std::vector<double>& v) const { return List(v, FloatText); }
  std::string operator()(const std::vector<std::string>& v) const { return List(v, InQuotes); }
  std::string operator()(DType v) const { return std::string(weft::ToString(v)); }
  std::string operator()(const TensorType& v) const { return weft::ToString(v); }
  std::string operator()(const Tensor& v) const { return TensorText(v); }
  std::string operator()(const std::vector<PostOp>& v) const { return List(v, PostOpText); }
};

template <typename T>
const T* Get(const AttributeMap& attributes, std::string_view name) {
  auto it = attributes.find(name);
  return it == attributes.end() ? nullptr : std::get_if<T>(&it->second.value);
}

}  // namespace

bool operator==(const PostOp& a, const PostOp& b) {
  return a.op == b.op && a.attributes == b.attributes && a.input == b.input;
}

Attribute::Attribute(const Attribute&) = default;
Attribute::Attribute(Attribute&&) noexcept = default;
Attribute& Attribute::operator=(const Attribute&) = default;
Attribute& Attribute::operator=(Attribute&&) noexcept = default;
Attribute::~Attribute() = default;

bool operator==(const Attribute& a, const Attribute& b) { return a.value == b.value; }

std::string Attribute::ToString() const { return std::visit(ToText{}, value); }

std::string_view ToString(Attribute::Kind kind) {
  switch (kind) {
    case Attribute::Kind::kInt:
      return "int";
    case Attribute::Kind::kFloat:
      return "float";
    case Attribute::Kind::kString:
      return "string";
    case Attribute::Kind::kInts:
      return "ints";
    case Attribute::Kind::kFloats:
      return "floats";
    case Attribute::Kind::kStrings:
      return "strings";
    case Attribute::Kind::kDType:
      return "dtype";
    case Attribute::Kind::kType:
      return "type";
    case Attribute::Kind::kTensor:
      return "tensor";
    case Attribute::Kind::kPostOps:
      return "post-ops";
  }
  return "unknown";
}

int64_t GetInt(const AttributeMap& attributes, std::string_view name, int64_t fallback) {
  const auto* v = Get<int64_t>(attributes, name);
  return v ? *v : fallback;
}

double GetFloat(const AttributeMap& attributes, std::string_view name, double fallback) {
  const auto* v = Get<double>(attributes, name);
  return v ? *v : fallback;
}

std::string GetString(const AttributeMap& attributes, std::string_view name,
                      std::string_view fallback) {
  const auto* v = Get<std::string>(attributes, name);
  return v ? *v : std::string(fallback);
}

std::vector<int64_t> GetInts(const AttributeMap& attributes, std::string_view name,
                             std::vector<int64_t> fallback) {
  const auto* v = Get<std::vector<int64_t>>(attributes, name);
  return v ? *v : std::move(fallback);
}

std::vector<PostOp> GetPostOps(const AttributeMap& attributes, std::string_view name) {
  const auto* v = Get<std::vector<PostOp>>(attributes, name);
  return v ? *v : std::vector<PostOp>();
}

}  // namespace weft
