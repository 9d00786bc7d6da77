// Message -> model. Nothing in the message is believed: it may come from anywhere.

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "absl/strings/str_format.h"
#include "graph/file/serialize_internal.h"
#include "graph/op.h"

namespace weft {
namespace {

absl::StatusOr<DType> DecodeDType(int number) {
  const std::optional<DType> dtype = DTypeOfNumber(number);
  if (!dtype) return absl::InvalidArgumentError(absl::StrFormat("unknown dtype %d", number));
  return *dtype;
}

absl::StatusOr<Dim> DecodeDim(const proto::Dim& message) {
  if (message.size() < 0 || (message.size() == 0 && message.symbols_size() > 0)) {
    return absl::InvalidArgumentError(absl::StrFormat("dim of size %d", message.size()));
  }
  Dim dim(message.size());
  if (message.symbols_size() > kMaxRank * kMaxRank) {
    return absl::InvalidArgumentError(absl::StrFormat("dim of %d symbols", message.symbols_size()));
  }
  for (const std::string& symbol : message.symbols()) {
    if (symbol.empty()) return absl::InvalidArgumentError("symbol without a name");
    const std::optional<Dim> product = Dim::Multiply(dim, Dim::Symbol(symbol));
    if (!product) return absl::InvalidArgumentError("dim out of range");
    dim = *product;
  }
  return dim;
}

std::string Join(const std::vector<TensorType>& types) {
  std::string text;
  for (const TensorType& type : types) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", ToString(type));
  }
  return text;
}

absl::StatusOr<std::map<std::string, std::string>> DecodeEntries(
    const google::protobuf::RepeatedPtrField<proto::Entry>& entries, std::string_view what) {
  std::map<std::string, std::string> map;
  for (const proto::Entry& entry : entries) {
    if (!map.emplace(entry.key(), entry.value()).second) {
      return absl::InvalidArgumentError(
          absl::StrFormat("%s has two entries '%s'", std::string(what), entry.key()));
    }
  }
  return map;
}

class Decoder {
 public:
  Decoder(const proto::Model& message, std::span<const Tensor> tensors, const OpRegistry& registry)
      : message_(message), tensors_(tensors), registry_(registry), graph_(registry) {}

  absl::StatusOr<Model> Decode() {
    WEFT_RETURN_IF_ERROR(DecodeGraph());
    Model model(std::move(graph_));
    if (message_.has_preprocessing()) {
      WEFT_ASSIGN_OR_RETURN(model.preprocessing, DecodePreprocessing());
    }
    model.class_names.assign(message_.class_names().begin(), message_.class_names().end());
    if (message_.has_training()) {
      absl::StatusOr<TrainingState> training = DecodeTraining();
      if (!training.ok()) return Annotate(training.status(), "training state");
      model.training = *std::move(training);
    }
    WEFT_ASSIGN_OR_RETURN(model.metadata, DecodeEntries(message_.metadata(), "metadata"));
    return model;
  }

 private:
  absl::StatusOr<Tensor> TensorAt(uint32_t index) const {
    if (index < tensors_.size()) return tensors_[index];
    return absl::InvalidArgumentError(
        absl::StrFormat("tensor %d of %d tensors", index, tensors_.size()));
  }

  absl::StatusOr<AttributeMap> DecodeAttributes(
      const google::protobuf::RepeatedPtrField<proto::Attribute>& attributes, int depth) const {
    AttributeMap map;
    for (const proto::Attribute& a : attributes) {
      absl::StatusOr<Attribute> attribute = DecodeAttribute(a, depth);
      if (!attribute.ok()) {
        return Annotate(attribute.status(), absl::StrFormat("attribute '%s'", a.name()));
      }
      if (!map.emplace(a.name(), *std::move(attribute)).second) {
        return absl::InvalidArgumentError(absl::StrFormat("two attributes '%s'", a.name()));
      }
    }
    return map;
  }

  absl::StatusOr<Attribute> DecodeAttribute(const proto::Attribute& a, int depth) const {
    switch (a.value_case()) {
      case proto::Attribute::kI:
        return Attribute(int64_t{a.i()});
      case proto::Attribute::kF:
        return Attribute(a.f());
      case proto::Attribute::kS:
        return Attribute(a.s());
      case proto::Attribute::kInts:
        return Attribute(std::vector<int64_t>(a.ints().values().begin(), a.ints().values().end()));
      case proto::Attribute::kFloats:
        return Attribute(
            std::vector<double>(a.floats().values().begin(), a.floats().values().end()));
      case proto::Attribute::kStrings:
        return Attribute(
            std::vector<std::string>(a.strings().values().begin(), a.strings().values().end()));
      case proto::Attribute::kDtype: {
        WEFT_ASSIGN_OR_RETURN(DType dtype, DecodeDType(a.dtype()));
        return Attribute(dtype);
      }
      case proto::Attribute::kType: {
        WEFT_ASSIGN_OR_RETURN(TensorType type, DecodeType(a.type()));
        return Attribute(std::move(type));
      }
      case proto::Attribute::kTensor: {
        WEFT_ASSIGN_OR_RETURN(Tensor tensor, TensorAt(a.tensor()));
        return Attribute(std::move(tensor));
      }
      case proto::Attribute::kPostOps:
        return DecodePostOps(a.post_ops(), depth);
      case proto::Attribute::VALUE_NOT_SET:
        break;
    }
    return absl::InvalidArgumentError("no value");
  }

  absl::StatusOr<Attribute> DecodePostOps(const proto::PostOps& message, int depth) const {
    if (depth == kMaxPostOpDepth) return absl::InvalidArgumentError("post-ops nested too deep");
    std::vector<PostOp> ops;
    for (const proto::PostOp& p : message.values()) {
      if (registry_.Find(p.op()) == nullptr) {
        return absl::InvalidArgumentError(absl::StrFormat("unknown op '%s'", p.op()));
      }
      WEFT_ASSIGN_OR_RETURN(AttributeMap attributes, DecodeAttributes(p.attributes(), depth + 1));
      ops.push_back({p.op(), std::move(attributes), p.input()});
    }
    return Attribute(std::move(ops));
  }

  // The node `name` among those before the current one; the error tells a cycle from a typo.
  absl::StatusOr<Node*> Earlier(const std::string& name) const {
    if (Node* node = graph_.Find(name)) return node;
    if (names_.contains(name)) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "reads %s, which does not come before it (a cycle or a wrong order)", name));
    }
    return absl::InvalidArgumentError(absl::StrFormat("reads %s, which does not exist", name));
  }

  absl::StatusOr<Value> DecodeValue(const proto::Value& message) const {
    WEFT_ASSIGN_OR_RETURN(Node * node, Earlier(message.node()));
    if (message.output() >= static_cast<uint32_t>(node->num_outputs())) {
      return absl::InvalidArgumentError(absl::StrFormat("reads output %d of %s, which has %d",
                                                        message.output(), message.node(),
                                                        node->num_outputs()));
    }
    return node->output(static_cast<int>(message.output()));
  }

  absl::StatusOr<NodeSpec> DecodeSpec(const proto::Node& n) const {
    NodeSpec spec{.op = n.op(), .name = n.name()};
    spec.num_outputs = n.outputs_size();
    for (const proto::Value& input : n.inputs()) {
      if (input.node().empty()) {
        if (input.output() != 0) return absl::InvalidArgumentError("an input without a node");
        spec.inputs.emplace_back();
        continue;
      }
      WEFT_ASSIGN_OR_RETURN(spec.inputs.emplace_back(), DecodeValue(input));
    }
    WEFT_ASSIGN_OR_RETURN(spec.attributes, DecodeAttributes(n.attributes(), 0));
    spec.provenance.rule = n.provenance().rule();
    spec.provenance.sources.assign(n.provenance().sources().begin(),
                                   n.provenance().sources().end());
    if (!n.forward().empty()) {
      WEFT_ASSIGN_OR_RETURN(spec.forward, Earlier(n.forward()));
    }
    return spec;
  }

  absl::Status DecodeNode(const proto::Node& n) {
    const std::string context = absl::StrFormat("%s (%s)", n.name(), n.op());
    if (registry_.Find(n.op()) == nullptr) {
      return absl::InvalidArgumentError(absl::StrFormat("%s: unknown op '%s'", context, n.op()));
    }
    std::vector<TensorType> types;
    for (const proto::Type& t : n.outputs()) {
      absl::StatusOr<TensorType> type = DecodeType(t);
      if (!type.ok()) return Annotate(type.status(), context + ": output type");
      types.push_back(*std::move(type));
    }
    absl::StatusOr<NodeSpec> spec = DecodeSpec(n);
    if (!spec.ok()) return Annotate(spec.status(), context);
    WEFT_ASSIGN_OR_RETURN(Node * node, graph_.AddNode(*std::move(spec)));
    std::vector<TensorType> inferred;
    for (int i = 0; i < node->num_outputs(); ++i) inferred.push_back(node->type(i));
    if (inferred != types) {
      return absl::InvalidArgumentError(
          absl::StrFormat("%s: the file says its type is %s, it should be %s", context, Join(types),
                          Join(inferred)));
    }
    return absl::OkStatus();
  }

  // Collects the names first, so that a reader of a later node gets the right error.
  absl::Status CheckNames() {
    for (const proto::Node& n : message_.graph().nodes()) {
      if (n.name().empty()) {
        return absl::InvalidArgumentError(absl::StrFormat("a node (%s) has no name", n.op()));
      }
      if (!names_.insert(n.name()).second) {
        return absl::InvalidArgumentError(
            absl::StrFormat("%s (%s): two nodes have this name", n.name(), n.op()));
      }
    }
    return absl::OkStatus();
  }

  absl::Status DecodeOutput(const proto::Output& o) {
    WEFT_ASSIGN_OR_RETURN(Value value, DecodeValue(o.value()));
    return o.loss() ? graph_.AddLoss(o.name(), value) : graph_.AddOutput(o.name(), value);
  }

  absl::Status DecodeUpdate(const proto::Update& u) {
    WEFT_ASSIGN_OR_RETURN(Node * variable, Earlier(u.variable()));
    WEFT_ASSIGN_OR_RETURN(Value value, DecodeValue(u.value()));
    return graph_.AddUpdate(variable, value);
  }

  absl::Status DecodeGraph() {
    WEFT_RETURN_IF_ERROR(CheckNames());
    for (const proto::Node& n : message_.graph().nodes()) WEFT_RETURN_IF_ERROR(DecodeNode(n));
    for (const proto::Output& o : message_.graph().outputs()) {
      WEFT_RETURN_IF_ERROR(Annotate(DecodeOutput(o), "output " + o.name()));
    }
    for (const proto::Update& u : message_.graph().updates()) {
      WEFT_RETURN_IF_ERROR(Annotate(DecodeUpdate(u), "update of " + u.variable()));
    }
    return absl::OkStatus();  // AddNode and its like have checked what Verify would
  }

  absl::StatusOr<Preprocessing> DecodePreprocessing() const {
    const proto::Preprocessing& m = message_.preprocessing();
    Preprocessing p;
    p.channels = m.channels();
    p.height = m.height();
    p.width = m.width();
    p.channel_order = m.channel_order();
    p.mean.assign(m.mean().begin(), m.mean().end());
    p.std.assign(m.std().begin(), m.std().end());
    WEFT_RETURN_IF_ERROR(CheckFilePreprocessing(p));
    return p;
  }

  absl::StatusOr<TrainingState> DecodeTraining() const {
    const proto::TrainingState& m = message_.training();
    TrainingState s;
    s.step = m.step();
    s.epoch = m.epoch();
    s.seed = m.seed();
    s.threads = m.threads();
    WEFT_ASSIGN_OR_RETURN(s.config, DecodeEntries(m.config(), "config"));
    WEFT_ASSIGN_OR_RETURN(s.kernel_choices, DecodeEntries(m.kernel_choices(), "kernel choices"));
    for (const proto::Slot& slot : m.slots()) {
      absl::StatusOr<Tensor> tensor = TensorAt(slot.tensor());
      if (!tensor.ok()) return Annotate(tensor.status(), "slot " + slot.name());
      if (!s.slots.emplace(slot.name(), *std::move(tensor)).second) {
        return absl::InvalidArgumentError(absl::StrFormat("two slots '%s'", slot.name()));
      }
    }
    WEFT_RETURN_IF_ERROR(CheckTrainingState(s));
    return s;
  }

  const proto::Model& message_;
  std::span<const Tensor> tensors_;
  const OpRegistry& registry_;
  Graph graph_;
  std::unordered_set<std::string_view> names_;
};

}  // namespace

absl::StatusOr<Model> DecodeModel(const proto::Model& message, std::span<const Tensor> tensors,
                                  const OpRegistry& registry) {
  return Decoder(message, tensors, registry).Decode();
}

absl::StatusOr<TensorType> DecodeType(const proto::Type& message) {
  TensorType type;
  WEFT_ASSIGN_OR_RETURN(type.dtype, DecodeDType(message.dtype()));
  if (message.dims_size() > kMaxRank) {
    return absl::InvalidArgumentError(
        absl::StrFormat("rank %d, the limit is %d", message.dims_size(), kMaxRank));
  }
  for (const proto::Dim& d : message.dims()) {
    WEFT_ASSIGN_OR_RETURN(Dim dim, DecodeDim(d));
    type.shape.push_back(std::move(dim));
  }
  WEFT_RETURN_IF_ERROR(CheckSize(type.shape));
  return type;
}

absl::StatusOr<TensorLayout> DecodeLayout(const proto::Tensor& tensor) {
  TensorLayout layout;
  WEFT_ASSIGN_OR_RETURN(layout.dtype, DecodeDType(tensor.dtype()));
  layout.dims.assign(tensor.dims().begin(), tensor.dims().end());
  WEFT_ASSIGN_OR_RETURN(const int64_t elements, CountElements(std::span(layout.dims)));
  layout.bytes = static_cast<uint64_t>(elements) * SizeOf(layout.dtype);
  return layout;
}

absl::Status CheckElements(DType dtype, std::span<const std::byte> bytes) {
  if (dtype != DType::kBool) return absl::OkStatus();
  const auto bad =
      std::find_if(bytes.begin(), bytes.end(), [](std::byte b) { return b > std::byte{1}; });
  if (bad == bytes.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat("element %d: expected a bool of 0 or 1, got %d",
                                                    bad - bytes.begin(), static_cast<int>(*bad)));
}

absl::Status CheckNoUnknownFields(google::protobuf::Message& message) {
  const size_t before = message.ByteSizeLong();
  message.DiscardUnknownFields();
  if (message.ByteSizeLong() == before) return absl::OkStatus();
  return absl::InvalidArgumentError("the model has fields that this weft does not know");
}

absl::Status CheckFilePreprocessing(const Preprocessing& p) {
  const auto fail = [](const std::string& what) {
    return absl::InvalidArgumentError("preprocessing: " + what);
  };
  constexpr int64_t kMaxChannels = 1 << 16;
  constexpr int64_t kMaxExtent = 1 << 20;
  if (p.channels < 1 || p.channels > kMaxChannels) {
    return fail(absl::StrFormat("%d channels", p.channels));
  }
  if (p.height < 0 || p.height > kMaxExtent || p.width < 0 || p.width > kMaxExtent) {
    return fail(absl::StrFormat("size %dx%d", p.height, p.width));
  }
  if (p.channel_order != "gray" && p.channel_order != "rgb" && p.channel_order != "bgr") {
    return fail(
        absl::StrFormat("expected channel order gray, rgb or bgr, got '%s'", p.channel_order));
  }
  for (const std::vector<float>* v : {&p.mean, &p.std}) {
    if (!v->empty() && v->size() != static_cast<size_t>(p.channels)) {
      return fail(absl::StrFormat("expected %d means and deviations, got %d and %d", p.channels,
                                  p.mean.size(), p.std.size()));
    }
    for (const float x : *v) {
      if (!std::isfinite(x) || (v == &p.std && x <= 0)) {
        return fail(absl::StrFormat("a %s of %g", v == &p.std ? "deviation" : "mean", x));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTrainingState(const TrainingState& s) {
  if (s.step >= 0 && s.epoch >= 0 && s.threads >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "negative step (%d), epoch (%d) or number of threads (%d)", s.step, s.epoch, s.threads));
}

}  // namespace weft
