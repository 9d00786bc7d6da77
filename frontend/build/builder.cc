#include "frontend/build/builder.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "frontend/build/builder_layer.h"
#include "ops/ops.h"

namespace weft {
namespace {

// "conv" for Conv: what PyTorch's authors call such a layer, or the op's name in small letters.
std::string KindOf(std::string_view op) {
  static constexpr std::pair<std::string_view, std::string_view> kKinds[] = {
      {"Gemm", "fc"},
      {"BatchNormalization", "bn"},
      {"LayerNormalization", "ln"},
      {"InstanceNormalization", "in"},
      {"GroupNormalization", "gn"},
      {"MaxPool", "pool"},
      {"SoftmaxCrossEntropyLoss", "loss"},
      {"AveragePool", "pool"}};
  for (const auto& [name, kind] : kKinds) {
    if (name == op) return std::string(kind);
  }
  std::string kind(op);
  std::transform(kind.begin(), kind.end(), kind.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return kind;
}

// "frontend/zoo.cc:12": the last two parts of the path, whatever the compiler was given.
std::string Site(const Builder::Where& where) {
  std::string_view path = where.file_name();
  const size_t slash = path.rfind('/');
  if (slash != std::string_view::npos && slash > 0) {
    const size_t before = path.rfind('/', slash - 1);
    if (before != std::string_view::npos) path.remove_prefix(before + 1);
  }
  return absl::StrCat(Absl(path), ":", where.line());
}

}  // namespace

BuilderScope::~BuilderScope() {
  builder_->scopes_.pop_back();
  if (shared_) --builder_->shared_scopes_;
}

Builder::Builder(BuilderOptions options) : options_(std::move(options)), graph_(StandardOps()) {
  if (!kFloatTypes.contains(options_.dtype)) {
    status_ = absl::InvalidArgumentError(
        absl::StrCat("builder: expected dtype f32 or f64, got ", Absl(ToString(options_.dtype))));
  }
}

BuilderScope Builder::Scope(std::string_view name) {
  scopes_.emplace_back(name);
  return BuilderScope(*this, /*shared=*/false);
}

BuilderScope Builder::SharedScope(std::string_view name) {
  scopes_.emplace_back(name);
  ++shared_scopes_;
  const std::string prefix = FullName("");
  std::erase_if(numbers_, [&](const auto& n) { return n.first.starts_with(prefix); });
  return BuilderScope(*this, /*shared=*/true);
}

std::string Builder::FullName(std::string_view name) const {
  std::string full;
  for (const std::string& scope : scopes_) absl::StrAppend(&full, scope, ".");
  return full.append(name);
}

std::string Builder::LayerName(std::string_view given, std::string_view kind) {
  if (!given.empty()) return FullName(given);
  const std::string base = FullName(kind);
  int& number = numbers_[base];
  std::string name;
  do {
    name = absl::StrCat(base, ++number);
  } while (shared_scopes_ == 0 && graph_.Find(name) != nullptr);
  return name;
}

Value Builder::Fail(const Where& where, const absl::Status& status) {
  if (status_.ok()) status_ = Annotate(status, Site(where));
  return {};
}

absl::StatusOr<Model> Builder::Build() {
  WEFT_RETURN_IF_ERROR(status_);
  if (graph_.outputs().empty() && graph_.losses().empty()) {
    return absl::FailedPreconditionError(
        "builder: expected at least one Output before Build, there is none");
  }
  Model model(std::exchange(graph_, Graph(StandardOps())));
  numbers_.clear();
  return model;
}

// --- Layer ---

Layer::Layer(Builder& builder, std::string_view op, const std::string& name,
             const Builder::Where& where)
    : builder_(builder), op_(op), name_(builder.LayerName(name, KindOf(op))), where_(where) {
  if (builder_.shared_scopes_ == 0 && builder_.graph_.Find(name_) != nullptr) {
    Fail(absl::AlreadyExistsError(
        absl::StrCat("expected a new name, there is ", builder_.graph_.Find(name_)->Describe())));
  }
}

Value Layer::Fail(const absl::Status& status) {
  return builder_.Fail(where_, Annotate(status, absl::StrCat(name_, " (", op_, ")")));
}

bool Layer::ExpectRank(Value x, int rank, std::string_view form) {
  if (!ok()) return false;
  if (x.null() || x.type().rank() != rank) {
    Fail(absl::InvalidArgumentError(
        absl::StrCat("expected an input ", Absl(form), ", got ",
                     x.null() ? std::string("none") : ToString(x.type()))));
  }
  return ok();
}

int64_t Layer::KnownExtent(Value x, int axis, std::string_view what) {
  if (!ok()) return 0;
  const Dim& dim = x.type().dim(axis);
  if (dim.is_static() && dim.coefficient() > 0) return dim.coefficient();
  Fail(absl::InvalidArgumentError(absl::StrCat("expected a known number of ", Absl(what),
                                               ", the input is ", ToString(x.type()))));
  return 0;
}

bool Layer::ExpectAtLeast(std::string_view what, int64_t got, int64_t least) {
  if (ok() && got < least) {
    Fail(absl::InvalidArgumentError(
        absl::StrCat("expected ", Absl(what), " of at least ", least, ", got ", got)));
  }
  return ok();
}

bool Layer::ExpectAtLeast(std::string_view what, const Extent2& got, int64_t least) {
  return ExpectAtLeast(what, std::min(got.height, got.width), least);
}

Value Layer::Parameter(std::string_view suffix, const Dims& dims, const Initializer& init,
                       const Fans& fans, std::string_view role) {
  if (!ok()) return {};
  const std::string name = absl::StrCat(name_, suffix.empty() ? "" : ".", Absl(suffix));
  const BuilderOptions& options = builder_.options_;
  if (weft::Node* present = builder_.graph_.Find(name)) {
    const TensorType type{options.dtype, ToShape(dims)};
    const bool same = present->op_name() == kVariable && present->type() == type;
    if (builder_.shared_scopes_ > 0 && same) return present->output();
    return Fail(absl::AlreadyExistsError(absl::StrCat("expected a new name for a parameter ",
                                                      ToString(type), ", there is ", name, " ",
                                                      ToString(present->type()), " already")));
  }
  auto tensor = options.draw ? init.Make(options.dtype, dims, fans, options.seed, name)
                             : Tensor::Zeros(options.dtype, dims);
  if (!tensor.ok()) return Fail(tensor.status());
  auto value = builder_.graph_.AddVariable(name, *std::move(tensor),
                                           /*trainable=*/role == kParameter, role);
  return value.ok() ? *value : Fail(value.status());
}

Layer::Weights Layer::WeightAndBias(const Dims& dims, const std::optional<Initializer>& init,
                                    bool bias) {
  return WeightAndBias(dims, init, bias, {dims[0]}, FansOf(dims));
}

Layer::Weights Layer::WeightAndBias(const Dims& dims, const std::optional<Initializer>& init,
                                    bool bias, const Dims& bias_dims, const Fans& fans) {
  const Initializer initializer = init.value_or(builder_.options_.init);
  Weights result;
  result.weight = Parameter("weight", dims, initializer, fans);
  if (bias) result.bias = Parameter("bias", bias_dims, initializer.ForBias(fans), fans);
  return result;
}

weft::Node* Layer::AddNode(std::string_view op, std::vector<Value> inputs, AttributeMap attributes,
                           int num_outputs) {
  if (!ok()) return nullptr;
  auto node = builder_.graph_.AddNode({.op = std::string(op),
                                       .name = name_,
                                       .inputs = std::move(inputs),
                                       .attributes = std::move(attributes),
                                       .num_outputs = num_outputs});
  if (node.ok()) return *node;
  builder_.Fail(where_, node.status());  // The graph has put the node's name into the message.
  return nullptr;
}

Value Layer::Node(std::vector<Value> inputs, AttributeMap attributes) {
  return Result(op_, std::move(inputs), std::move(attributes));
}

weft::Node* Layer::WholeNode(std::vector<Value> inputs, AttributeMap attributes, int num_outputs) {
  return AddNode(op_, std::move(inputs), std::move(attributes), num_outputs);
}

Value Layer::Result(std::string_view op, std::vector<Value> inputs, AttributeMap attributes) {
  weft::Node* node = AddNode(op, std::move(inputs), std::move(attributes), -1);
  return node == nullptr ? Value() : node->output();
}

template <typename F>
auto Layer::Emit(F f) -> decltype(f(std::declval<Emitter&>())) {
  if (!ok()) return {};
  Emitter emitter(builder_.graph_, name_);
  auto result = f(emitter);
  if (emitter.ok()) return result;
  builder_.Fail(where_, emitter.status());
  return {};
}

Value Layer::Part(std::string_view op, std::vector<Value> inputs, AttributeMap attributes) {
  return Emit([&](Emitter& e) { return e.Op(op, std::move(inputs), std::move(attributes)); });
}

weft::Node* Layer::WholePart(std::string_view op, std::vector<Value> inputs,
                             AttributeMap attributes, int num_outputs) {
  return Emit([&](Emitter& e) {
    return e.OpNode(op, std::move(inputs), std::move(attributes), num_outputs);
  });
}

Value Layer::Scalar(double value, DType dtype) {
  return Emit([&](Emitter& e) { return e.Scalar(value, dtype); });
}

Value Layer::Ints(std::vector<int64_t> values) {
  return Emit([&](Emitter& e) { return e.Ints(std::move(values)); });
}

BuilderScope Layer::Inside() {
  // The name without the scopes that it is in already.
  return builder_.Scope(std::string_view(name_).substr(builder_.FullName("").size()));
}

int64_t Layer::Stream() const { return static_cast<int64_t>(HashName(name_) >> 1); }

Value Layer::Constant(std::string_view suffix, Tensor value) {
  if (!ok()) return {};
  auto constant =
      builder_.graph_.AddConstant(absl::StrCat(name_, ".", Absl(suffix)), std::move(value));
  return constant.ok() ? *constant : Fail(constant.status());
}

}  // namespace weft
