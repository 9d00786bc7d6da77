// Model -> message.

#include <unordered_map>

#include "graph/file/serialize_internal.h"
#include "graph/file/utf8.h"
#include "graph/op.h"

namespace weft {
namespace {

// Fills in the message part by part; the first failure is kept, in `context` (the node's name).
class Encoder {
 public:
  absl::StatusOr<EncodedModel> Encode(const Model& model) {
    EncodeGraph(model.graph, *message().mutable_graph());
    context_.clear();
    if (model.preprocessing) EncodePreprocessing(*model.preprocessing);
    for (const std::string& name : model.class_names) message().add_class_names(Text(name));
    if (model.training) EncodeTraining(*model.training);
    EncodeEntries(model.metadata, *message().mutable_metadata());
    WEFT_RETURN_IF_ERROR(status_);
    return std::move(encoded_);
  }

 private:
  proto::Model& message() { return encoded_.message; }

  void Fail(absl::Status status) {
    if (!status_.ok() || status.ok()) return;
    status_ = context_.empty() ? std::move(status) : Annotate(status, context_);
  }

  // Protobuf's strings must be UTF-8, or no reader takes the file.
  std::string Text(std::string_view s) {
    if (!IsUtf8(s)) Fail(absl::InvalidArgumentError("a name or text in it is not UTF-8"));
    return std::string(s);
  }

  // The tensor's place in the table. Equal tensors share one, whether or not they share memory, so
  // that the file depends on nothing but values.
  uint32_t TableIndex(const Tensor& tensor) {
    if (tensor.is_empty()) {
      Fail(absl::InvalidArgumentError("an empty tensor cannot be stored"));
      return 0;
    }
    const uint32_t crc = Crc32({tensor.data(), tensor.bytes()});
    std::vector<uint32_t>& candidates = by_crc_[crc];
    for (const uint32_t i : candidates) {
      if (encoded_.tensors[i] == tensor) return i;
    }
    const auto index = static_cast<uint32_t>(encoded_.tensors.size());
    candidates.push_back(index);
    encoded_.tensors.push_back(tensor);
    encoded_.crcs.push_back(crc);
    proto::Tensor& entry = *message().add_tensors();
    entry.set_dtype(static_cast<proto::DType>(tensor.dtype()));
    entry.mutable_dims()->Add(tensor.dims().begin(), tensor.dims().end());
    return index;
  }

  void EncodeType(const TensorType& type, proto::Type& out) {
    out.set_dtype(static_cast<proto::DType>(type.dtype));
    for (const Dim& dim : type.shape) {
      proto::Dim& d = *out.add_dims();
      d.set_size(dim.coefficient());
      for (const std::string& symbol : dim.symbols()) d.add_symbols(Text(symbol));
    }
    Fail(DecodeType(out).status());
  }

  template <typename Repeated>
  void EncodeAttributes(const AttributeMap& attributes, int depth, Repeated& out) {
    for (const auto& [name, attribute] : attributes) {
      proto::Attribute& a = *out.Add();
      a.set_name(Text(name));
      EncodeAttribute(attribute, depth, a);
    }
  }

  void EncodePostOps(const std::vector<PostOp>& ops, int depth, proto::PostOps& out) {
    if (depth == kMaxPostOpDepth) {
      return Fail(absl::InvalidArgumentError("post-ops nested too deep"));
    }
    for (const PostOp& op : ops) {
      proto::PostOp& p = *out.add_values();
      p.set_op(Text(op.op));
      EncodeAttributes(op.attributes, depth + 1, *p.mutable_attributes());
      p.set_input(op.input);
    }
  }

  void EncodeAttribute(const Attribute& attribute, int depth, proto::Attribute& out) {
    const Attribute::Variant& v = attribute.value;
    switch (attribute.kind()) {
      case Attribute::Kind::kInt:
        return out.set_i(std::get<int64_t>(v));
      case Attribute::Kind::kFloat:
        return out.set_f(std::get<double>(v));
      case Attribute::Kind::kString:
        return out.set_s(std::get<std::string>(v));
      case Attribute::Kind::kInts: {
        const auto& ints = std::get<std::vector<int64_t>>(v);
        out.mutable_ints()->mutable_values()->Add(ints.begin(), ints.end());
        return;
      }
      case Attribute::Kind::kFloats: {
        const auto& floats = std::get<std::vector<double>>(v);
        out.mutable_floats()->mutable_values()->Add(floats.begin(), floats.end());
        return;
      }
      case Attribute::Kind::kStrings: {
        const auto& strings = std::get<std::vector<std::string>>(v);
        out.mutable_strings()->mutable_values()->Add(strings.begin(), strings.end());
        return;
      }
      case Attribute::Kind::kDType:
        return out.set_dtype(static_cast<proto::DType>(std::get<DType>(v)));
      case Attribute::Kind::kType:
        return EncodeType(std::get<TensorType>(v), *out.mutable_type());
      case Attribute::Kind::kTensor:
        return out.set_tensor(TableIndex(std::get<Tensor>(v)));
      case Attribute::Kind::kPostOps:
        return EncodePostOps(std::get<std::vector<PostOp>>(v), depth, *out.mutable_post_ops());
    }
  }

  void EncodeValue(const Value& value, proto::Value& out) {
    if (value.null()) return;
    out.set_node(Text(value.node->name()));
    out.set_output(static_cast<uint32_t>(value.index));
  }

  void EncodeNode(const Node& node, proto::Node& out) {
    context_ = node.Describe();
    out.set_op(std::string(node.op_name()));
    out.set_name(Text(node.name()));
    for (const Value& input : node.inputs()) EncodeValue(input, *out.add_inputs());
    EncodeAttributes(node.attributes(), 0, *out.mutable_attributes());
    for (int i = 0; i < node.num_outputs(); ++i) EncodeType(node.type(i), *out.add_outputs());
    if (node.provenance() != Provenance()) {
      out.mutable_provenance()->set_rule(Text(node.provenance().rule));
      for (const std::string& source : node.provenance().sources) {
        out.mutable_provenance()->add_sources(Text(source));
      }
    }
    if (node.forward() != nullptr) out.set_forward(Text(node.forward()->name()));
  }

  void EncodeOutput(const NamedValue& output, bool loss, proto::Output& out) {
    context_ = "output " + output.name;
    out.set_name(Text(output.name));
    EncodeValue(output.value, *out.mutable_value());
    out.set_loss(loss);
  }

  void EncodeGraph(const Graph& graph, proto::Graph& out) {
    for (const Node& node : graph.nodes()) EncodeNode(node, *out.add_nodes());
    for (const NamedValue& output : graph.outputs()) {
      EncodeOutput(output, /*loss=*/false, *out.add_outputs());
    }
    for (const NamedValue& loss : graph.losses()) {
      EncodeOutput(loss, /*loss=*/true, *out.add_outputs());
    }
    for (const Update& update : graph.updates()) {
      proto::Update& u = *out.add_updates();
      u.set_variable(Text(update.variable->name()));
      EncodeValue(update.value, *u.mutable_value());
    }
  }

  void EncodePreprocessing(const Preprocessing& p) {
    Fail(CheckFilePreprocessing(p));
    proto::Preprocessing& out = *message().mutable_preprocessing();
    out.set_channels(p.channels);
    out.set_height(p.height);
    out.set_width(p.width);
    out.set_channel_order(p.channel_order);
    out.mutable_mean()->Add(p.mean.begin(), p.mean.end());
    out.mutable_std()->Add(p.std.begin(), p.std.end());
  }

  template <typename Repeated>
  void EncodeEntries(const std::map<std::string, std::string>& entries, Repeated& out) {
    for (const auto& [key, value] : entries) {
      proto::Entry& entry = *out.Add();
      entry.set_key(Text(key));
      entry.set_value(Text(value));
    }
  }

  void EncodeTraining(const TrainingState& s) {
    context_ = "training state";
    Fail(CheckTrainingState(s));
    proto::TrainingState& out = *message().mutable_training();
    out.set_step(s.step);
    out.set_epoch(s.epoch);
    out.set_seed(s.seed);
    out.set_threads(s.threads);
    EncodeEntries(s.config, *out.mutable_config());
    for (const auto& [name, tensor] : s.slots) {
      proto::Slot& slot = *out.add_slots();
      slot.set_name(Text(name));
      slot.set_tensor(TableIndex(tensor));
    }
    EncodeEntries(s.kernel_choices, *out.mutable_kernel_choices());
    context_.clear();
  }

  EncodedModel encoded_;
  std::unordered_map<uint32_t, std::vector<uint32_t>> by_crc_;
  std::string context_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<EncodedModel> EncodeModel(const Model& model) { return Encoder().Encode(model); }

}  // namespace weft
