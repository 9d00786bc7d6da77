// What changed in the forms of ops after opset 17, op by op: operands and attributes. Most of what
// opsets 19 to 24 changed are element types alone, which are no part of this: the op's former
// definition serves. Ops of which we have no counterpart (Attention, ...)
// are left out.

#include "frontend/onnx/newer_schemas.h"

#include <map>
#include <tuple>

namespace weft {
namespace {

using onnx::OpSchema;
using Attr = onnx::AttributeProto;
using SchemaNames = std::vector<std::string>;

class NewerSchemas {
 public:
  NewerSchemas() {
    AddOpset18();
    AddOpset19To24();
    AddMicrosoft();
  }

  const OpSchema* Find(const std::string& domain, const std::string& op, int opset) const {
    auto it = schemas_.upper_bound({domain, op, opset});
    if (it == schemas_.begin()) return nullptr;
    const auto& [found_domain, name, since] = (--it)->first;
    return found_domain == domain && name == op ? &it->second : nullptr;
  }

 private:
  // An op of these operands, without attributes yet. A name that ends in '?' is optional.
  OpSchema& Form(const std::string& op, int since, const SchemaNames& inputs,
                 const SchemaNames& outputs = {"Y"}, const std::string& domain = "") {
    OpSchema schema(op, "newer_schemas", 0);
    schema.SetDomain(domain).SinceVersion(since);
    for (size_t i = 0; i < inputs.size(); ++i) {
      const bool optional = inputs[i].ends_with('?');
      schema.Input(static_cast<int>(i), inputs[i].substr(0, inputs[i].size() - optional), "", "T",
                   optional ? OpSchema::Optional : OpSchema::Single);
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      const bool optional = outputs[i].ends_with('?');
      schema.Output(static_cast<int>(i), outputs[i].substr(0, outputs[i].size() - optional), "",
                    "T", optional ? OpSchema::Optional : OpSchema::Single);
    }
    schema.TypeConstraint("T", OpSchema::all_tensor_types(), "");
    schema.Finalize();
    return schemas_.insert_or_assign({domain, op, since}, std::move(schema)).first->second;
  }

  // The op as it was before `since`, to be given further attributes.
  OpSchema& More(const std::string& op, int since) {
    const OpSchema* ours = Find("", op, since - 1);
    OpSchema schema = ours != nullptr ? *ours : *FindOnnxSchema(op, kLastOnnxOpset);
    schema.SinceVersion(since);
    return schemas_.insert_or_assign({"", op, since}, std::move(schema)).first->second;
  }

  static OpSchema& Int(OpSchema& schema, const std::string& name, int64_t fallback) {
    return schema.Attr(name, "", Attr::INT, fallback);
  }
  static OpSchema& Float(OpSchema& schema, const std::string& name, float fallback) {
    return schema.Attr(name, "", Attr::FLOAT, fallback);
  }
  static OpSchema& String(OpSchema& schema, const std::string& name, const std::string& fallback) {
    return schema.Attr(name, "", Attr::STRING, fallback);
  }
  static OpSchema& Maybe(OpSchema& schema, const SchemaNames& names, Attr::AttributeType type) {
    for (const std::string& name : names) schema.Attr(name, "", type, false);
    return schema;
  }

  void AddOpset18() {
    for (const char* op : {"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax",
                           "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSumSquare"}) {
      Int(Int(Form(op, 18, {"data", "axes?"}), "keepdims", 1), "noop_with_empty_axes", 0);
    }
    for (const char* op : {"BitwiseAnd", "BitwiseOr", "BitwiseXor"}) Form(op, 18, {"A", "B"});
    Form("BitwiseNot", 18, {"X"});
    Maybe(Form("CenterCropPad", 18, {"input_data", "shape"}), {"axes"}, Attr::INTS);
    Maybe(Form("Col2Im", 18, {"input", "image_shape", "block_shape"}),
          {"dilations", "pads", "strides"}, Attr::INTS);
    Float(Form("GroupNormalization", 18, {"X", "scale", "bias"}), "epsilon", 1e-5f)
        .Attr("num_groups", "", Attr::INT, true);
    Maybe(Int(More("LpPool", 18), "ceil_mode", 0), {"dilations"}, Attr::INTS);
    Form("Mish", 18, {"X"});
    Form("OptionalGetElement", 18, {"input"});
    Form("OptionalHasElement", 18, {"input?"});
    String(Form("Pad", 18, {"data", "pads", "constant_value?", "axes?"}), "mode", "constant");
    Maybe(String(Int(More("Resize", 18), "antialias", 0), "keep_aspect_ratio_policy", "stretch"),
          {"axes"}, Attr::INTS);
    Maybe(More("Split", 18), {"num_outputs"}, Attr::INT);
  }

  void AddOpset19To24() {
    Maybe(More("AveragePool", 19), {"dilations"}, Attr::INTS);
    Int(More("Cast", 19), "saturate", 1);
    String(More("Cast", 24), "round_mode", "up");
    Int(More("CastLike", 19), "saturate", 1);
    String(More("CastLike", 24), "round_mode", "up");
    OpSchema& deformed = Form("DeformConv", 19, {"X", "W", "offset", "B?", "mask?"});
    Int(Int(deformed, "group", 1), "offset_group", 1);
    Maybe(deformed, {"dilations", "kernel_shape", "pads", "strides"}, Attr::INTS);
    String(String(Int(Form("GridSample", 20, {"X", "grid"}), "align_corners", 0), "mode", "linear"),
           "padding_mode", "zeros");
    Int(Int(Form("DFT", 20, {"input", "dft_length?", "axis?"}), "inverse", 0), "onesided", 0);
    String(Form("Gelu", 20, {"X"}), "approximate", "none");
    Int(More("GroupNormalization", 21), "stash_type", 1);
    Int(More("DequantizeLinear", 21), "block_size", 0);
    Int(More("DequantizeLinear", 23), "output_dtype", 0);
    Int(More("QuantizeLinear", 19), "saturate", 1);
    Int(Int(More("QuantizeLinear", 21), "block_size", 0), "output_dtype", 0);
    Int(More("QuantizeLinear", 23), "precision", 0);
    Int(Float(Int(Form("RMSNormalization", 23, {"X", "scale"}), "axis", -1), "epsilon", 1e-5f),
        "stash_type", 1);
    Float(Form("Swish", 24, {"X"}), "alpha", 1);
  }

  // What ONNX Runtime's optimizer writes into the models that it saves.
  void AddMicrosoft() {
    const auto form = [&](const char* op, const SchemaNames& inputs,
                          const SchemaNames& outputs = {"Y"}) -> OpSchema& {
      return Form(op, 1, inputs, outputs, std::string(kMicrosoftDomain));
    };
    form("Gelu", {"X"});
    form("FastGelu", {"X", "bias?"});
    form("BiasGelu", {"A", "B"});
    Float(form("QuickGelu", {"X"}), "alpha", 1.702f);
    OpSchema& conv = form("FusedConv", {"X", "W", "B?", "Z?"});
    Maybe(conv, {"dilations", "kernel_shape", "pads", "strides"}, Attr::INTS);
    Maybe(Int(String(conv, "auto_pad", "NOTSET"), "group", 1), {"activation"}, Attr::STRING);
    Maybe(conv, {"activation_params"}, Attr::FLOATS);
    OpSchema& gemm = form("FusedGemm", {"A", "B", "C?"});
    Float(Float(Int(Int(gemm, "transA", 0), "transB", 0), "alpha", 1), "beta", 1);
    Maybe(gemm, {"activation"}, Attr::STRING);
    Maybe(gemm, {"activation_alpha", "activation_beta", "activation_gamma"}, Attr::FLOAT);
    OpSchema& product = form("FusedMatMul", {"A", "B"});
    Int(Int(Float(product, "alpha", 1), "transA", 0), "transB", 0);
    Int(Int(product, "transBatchA", 0), "transBatchB", 0);
    Float(form("SkipLayerNormalization", {"input", "skip", "gamma", "beta?", "bias?"},
               {"output", "mean?", "inv_std_var?", "input_skip_bias_sum?"}),
          "epsilon", 1e-12f);
  }

  std::map<std::tuple<std::string, std::string, int>, OpSchema> schemas_;
};

}  // namespace

const OpSchema* FindNewerSchema(const std::string& op, int opset, const std::string& domain) {
  static const NewerSchemas& schemas = *new NewerSchemas();
  return schemas.Find(domain, op, opset);
}

}  // namespace weft
