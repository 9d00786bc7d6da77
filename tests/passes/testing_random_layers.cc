// What convolutional networks are made of. In a draft to train, of variables and in mode "auto".

#include <algorithm>
#include <iterator>
#include <numeric>

#include "tests/passes/testing_random.h"

namespace weft {
namespace {

using Layers = Value (*)(Draft&, Value);

int64_t Channels(Draft& d, Value x) { return d.DimsOf(x)[1]; }

struct ConvOptions {
  int64_t channels = 0;  // 0: some
  int64_t kernel = 0;    // 0: some
  int64_t group = 1;
  int64_t stride = 0;  // 0: some
  int axis = -1;       // of space, the only one that the kernel spans
  bool keeps_size = false;
  int bias = -1;  // -1: now and then
};

Value Conv(Draft& d, Value x, ConvOptions o = {}) {
  if (x.null()) return {};
  const Dims dims = d.DimsOf(x);
  const size_t axes = dims.size() - 2;
  if (o.channels == 0) o.channels = d.Pick(1, 6) * o.group;
  Dims kernel, strides, pads(2 * axes), dilations;
  bool is_plain = true;
  for (size_t i = 0; i < axes; ++i) {
    const int64_t extent = dims[i + 2];
    const bool odd = o.keeps_size || d.Chance(60);
    const bool is_spanned = o.axis < 0 || static_cast<size_t>(o.axis) == i;
    const int64_t k = !is_spanned     ? 1
                      : o.kernel != 0 ? o.kernel
                      : odd           ? 2 * d.Pick(0, 1) + 1
                                      : d.Pick(1, 3);
    const int64_t dilation = !o.keeps_size && k > 1 && d.Chance(10) ? 2 : 1;
    const int64_t span = dilation * (k - 1) + 1;
    if (o.keeps_size || span > extent) {
      pads[i] = span / 2;
      pads[i + axes] = span - 1 - span / 2;
    } else if (d.Chance(40)) {
      pads[i] = d.Pick(0, 1);
      pads[i + axes] = d.Pick(0, 1);
    }
    const bool skips = !o.keeps_size && extent > 3 && d.Chance(25);
    strides.push_back(o.stride != 0 ? o.stride : skips ? 2 : 1);
    is_plain = is_plain && strides.back() == 1 && dilation == 1;
    dilations.push_back(dilation);
    kernel.push_back(k);
  }
  Dims weight = {o.channels, dims[1] / o.group};
  weight.insert(weight.end(), kernel.begin(), kernel.end());
  std::vector<Value> inputs = {x, d.Weight(std::move(weight))};
  if (o.bias == 1 || (o.bias == -1 && d.Chance(60))) inputs.push_back(d.Weight({o.channels}));
  AttributeMap attributes = {{"pads", pads}};
  if (o.group != 1) attributes["group"] = o.group;
  if (!is_plain) attributes.insert({{"strides", strides}, {"dilations", dilations}});
  return d.Add("Conv", std::move(inputs), std::move(attributes));
}

Value BatchNorm(Draft& d, Value x) {
  if (x.null()) return {};
  const Dims c = {Channels(d, x)};
  return d.Add(
      "BatchNormalization",
      {x, d.Weight(c, 0.5, 1.5), d.Weight(c), d.Weight(c, -1, 1, true), d.Weight(c, 0.5, 2, true)},
      {{"mode", d.training() ? "auto" : "inference"}, {"epsilon", 1e-3}});
}

// One number a channel, or one for all.
Value PerChannel(Draft& d, Value x, double low = -1, double high = 1) {
  if (x.null()) return {};
  Dims dims(d.DimsOf(x).size() - 1, 1);
  dims[0] = Channels(d, x);
  if (d.Chance(20)) dims = d.Chance(50) ? Dims() : Dims{1};
  return d.Weight(std::move(dims), low, high);
}

Value Activation(Draft& d, Value x) {
  static const auto& ops = *new std::vector<std::string>{
      "Relu", "Relu",        "Sigmoid", "Tanh", "HardSwish", "LeakyRelu",
      "Elu",  "HardSigmoid", "Silu",    "Gelu", "Mish",      "Softplus"};
  if (d.Chance(12)) return d.Add("Clip", {x, d.Scalar(d.OneOf<double>({0, -1})), d.Scalar(1)});
  if (d.Chance(6)) return d.Add("PRelu", {x, PerChannel(d, x)});
  const std::string op = d.OneOf(ops);
  return d.Add(op, {x}, op == "LeakyRelu" ? AttributeMap{{"alpha", 0.2}} : AttributeMap());
}

Value AnyOrder(Draft& d, std::string_view op, Value a, Value b) {
  return d.Chance(50) ? d.Add(op, {a, b}) : d.Add(op, {b, a});
}

Value ConvBlock(Draft& d, Value x) {
  Value y = Conv(d, x);
  if (d.Chance(70)) y = BatchNorm(d, y);
  return d.Chance(70) ? Activation(d, y) : y;
}

Value Residual(Draft& d, Value x) {
  Value y = Conv(d, x, {.channels = Channels(d, x), .keeps_size = true});
  if (d.Chance(50)) y = BatchNorm(d, y);
  if (d.Chance(30)) y = Conv(d, Activation(d, y), {.channels = Channels(d, x), .keeps_size = true});
  const Value side =
      d.Chance(30) ? Conv(d, x, {.channels = Channels(d, x), .kernel = 1, .keeps_size = true}) : x;
  const Value sum = AnyOrder(d, "Add", y, side);
  return d.Chance(60) ? Activation(d, sum) : sum;
}

// Ding et al.: RepVGG.
Value RepVgg(Draft& d, Value x) {
  const int64_t c = Channels(d, x);
  const Value wide = BatchNorm(d, Conv(d, x, {.channels = c, .kernel = 3, .keeps_size = true}));
  const Value point = BatchNorm(d, Conv(d, x, {.channels = c, .kernel = 1, .keeps_size = true}));
  Value sum = AnyOrder(d, "Add", wide, point);
  if (d.Chance(60)) sum = AnyOrder(d, "Add", sum, BatchNorm(d, x));
  return Activation(d, sum);
}

Value PointChain(Draft& d, Value x) {
  Value y = x;
  const int count = d.Pick(2, 3);
  for (int i = 0; i < count; ++i) y = Conv(d, y, {.kernel = 1, .keeps_size = d.Chance(80)});
  return d.Chance(50) ? BatchNorm(d, y) : y;
}

Value Separable(Draft& d, Value x) {
  const int64_t c = Channels(d, x);
  const Value deep =
      Conv(d, x, {.channels = c * d.Pick(1, 2), .kernel = 3, .group = c, .keeps_size = true});
  const Value normal = d.Chance(50) ? Activation(d, BatchNorm(d, deep)) : deep;
  return Conv(d, normal, {.kernel = 1, .keeps_size = true});
}

Value Affine(Draft& d, Value x) {
  const Value scale = PerChannel(d, x, 0.5, 1.5);
  const Value scaled = d.Chance(30) ? d.Add("Div", {x, scale}) : AnyOrder(d, "Mul", x, scale);
  return AnyOrder(d, d.OneOf<std::string>({"Add", "Sub"}), scaled, PerChannel(d, x));
}

Value ScaledConv(Draft& d, Value x) {
  const Value before = d.Chance(50) ? d.Add("Mul", {x, PerChannel(d, x)}) : x;
  const Value y = Conv(d, before);
  if (y.null()) return {};
  const Value scaled = AnyOrder(d, "Mul", y, PerChannel(d, y));
  return AnyOrder(d, d.OneOf<std::string>({"Add", "Sub"}), scaled, PerChannel(d, y));
}

// Global average pooling.
Value Averages(Draft& d, Value x, bool keep = true) {
  if (x.null()) return {};
  std::vector<int64_t> axes(d.DimsOf(x).size() - 2);
  std::iota(axes.begin(), axes.end(), 2);
  return d.Add("ReduceMean", {x}, {{"axes", axes}, {"keepdims", keep ? 1 : 0}});
}

// Hu et al.: Squeeze-and-excitation networks.
Value Excitation(Draft& d, Value x) {
  const Value squeezed = Averages(d, x);
  const Value inner = d.Add("Relu", {Conv(d, squeezed, {.kernel = 1, .keeps_size = true})});
  if (inner.null()) return {};
  const Value gate = Conv(d, inner, {.channels = Channels(d, x), .kernel = 1, .keeps_size = true});
  return AnyOrder(d, "Mul", x, d.Add(d.OneOf<std::string>({"Sigmoid", "HardSigmoid"}), {gate}));
}

Value Dense(Draft& d, Value x) {
  const Value y = Conv(d, Activation(d, BatchNorm(d, x)), {.kernel = 3, .keeps_size = true});
  return d.Add("Concat", {x, y}, {{"axis", 1}});
}

Value Inception(Draft& d, Value x) {
  std::vector<Value> branches;
  const int count = d.Pick(2, 3);
  for (int i = 0; i < count; ++i) {
    Value y = Conv(d, x, {.kernel = d.Chance(60) ? 1 : 3, .keeps_size = true});
    if (d.Chance(50)) y = d.Add("Relu", {y});
    branches.push_back(y);
  }
  const Value all = d.Add("Concat", branches, {{"axis", 1}});
  return d.Chance(60) ? Conv(d, all, {.kernel = 1, .keeps_size = true}) : all;
}

Value Shuffle(Draft& d, Value x) {
  const Value wide = Conv(d, x, {.channels = 2 * d.Pick(1, 3), .kernel = 1, .keeps_size = true});
  if (wide.null() || d.DimsOf(wide).size() != 4) return {};
  const Dims dims = d.DimsOf(wide);
  const Value apart = d.Add("Reshape", {wide, d.Ints({0, 2, dims[1] / 2, dims[2], dims[3]})});
  const Value mixed = d.Add("Transpose", {apart}, {{"perm", Dims{0, 2, 1, 3, 4}}});
  const Value back = d.Chance(50)
                         ? d.Add("ReshapeLike", {mixed, wide})
                         : d.Add("Reshape", {mixed, d.Ints({0, dims[1], dims[2], dims[3]})});
  return d.Chance(70) ? Conv(d, back, {.kernel = 1, .group = d.Chance(50) ? 2 : 1}) : back;
}

Value Pool(Draft& d, Value x) {
  const size_t axes = d.DimsOf(x).size() - 2;
  Dims kernel;
  for (size_t i = 0; i < axes; ++i) kernel.push_back(d.DimsOf(x)[i + 2] > 1 ? 2 : 1);
  AttributeMap attributes = {{"kernel_shape", kernel}};
  if (d.Chance(30)) attributes["strides"] = kernel;
  if (d.Chance(50)) return d.Add("MaxPool", {x}, attributes);
  if (d.Chance(30)) attributes["count_include_pad"] = 1;
  return d.Add("AveragePool", {x}, attributes);
}

Value Head(Draft& d, Value x) {
  const Value pooled = Averages(d, d.Chance(40) ? d.Add("Relu", {x}) : x);
  const Value flat = d.Chance(80) ? d.Add("Flatten", {pooled}) : Averages(d, pooled, false);
  const int64_t to = d.Pick(1, 5);
  const Value y =
      d.Add("Gemm", {flat, d.Weight({to, Channels(d, x)}), d.Weight({to})}, {{"transB", 1}});
  return d.Chance(40) ? d.Add(d.training() ? "Tanh" : "Softmax", {y}) : y;
}

Value Dropout(Draft& d, Value x) {
  return d.Add("Dropout", {x}, {{"mode", d.training() ? "auto" : "inference"}});
}

// Both branches compute the same, or nearly.
Value Twins(Draft& d, Value x) {
  const bool relu = d.Chance(50);
  const Value a = d.Add(relu ? "Relu" : "Tanh", {x}), b = d.Add(relu ? "Relu" : "Tanh", {x});
  const int64_t c = Channels(d, x);
  return AnyOrder(d, "Add", Conv(d, a, {.channels = c, .kernel = 1, .keeps_size = true}),
                  Conv(d, b, {.channels = c, .kernel = 1, .keeps_size = true}));
}

ConvOptions PointOf(int64_t channels) {
  return {.channels = channels, .kernel = 1, .keeps_size = true};
}

// Of three pixels each way, as many as there were.
Value Average(Draft& d, Value x) {
  const size_t axes = d.DimsOf(x).size() - 2;
  return d.Add("AveragePool", {x},
               {{"kernel_shape", Dims(axes, 3)},
                {"pads", Dims(2 * axes, 1)},
                {"count_include_pad", d.Pick(0, 1)}});
}

// Branches that could be one convolution.
Value Parallel(Draft& d, Value x) {
  const int64_t c = d.Chance(50) ? Channels(d, x) : d.Pick(1, 5);
  const auto branch = [&](int64_t kernel, int axis = -1) {
    const Value y = Conv(d, x, {.channels = c, .kernel = kernel, .axis = axis, .keeps_size = true});
    return d.Chance(30) ? BatchNorm(d, y) : y;
  };
  const Value wide = branch(3);
  const Value other = d.Chance(50) ? branch(1) : branch(3, d.Chance(60) ? d.Pick(0, 1) : -1);
  Value sum = AnyOrder(d, "Add", wide, other);
  if (c == Channels(d, x) && d.Chance(30)) sum = AnyOrder(d, "Add", sum, x);
  if (d.Chance(20)) sum = AnyOrder(d, "Add", sum, Conv(d, Average(d, x), PointOf(c)));
  return d.Chance(50) ? Activation(d, sum) : sum;
}

// Of what one convolution computes, others read every second pixel.
Value Strided(Draft& d, Value x) {
  const int64_t c = d.Pick(1, 5);
  Value y = Conv(d, x, {.channels = c, .kernel = 1 + 2 * d.Pick(0, 1), .keeps_size = true});
  if (d.Chance(30)) y = AnyOrder(d, "Add", y, Conv(d, x, PointOf(c)));
  if (d.Chance(60)) y = Activation(d, y);
  const int64_t to = d.Pick(1, 4);
  const Value a = Conv(d, y, {.channels = to, .kernel = 1, .stride = 2});
  if (d.Chance(50)) return a;
  return AnyOrder(d, "Add", a, Conv(d, y, {.channels = to, .kernel = 1, .stride = 2}));
}

Value Upwards(Draft& d, Value x) {
  const Dims dims = d.DimsOf(x);
  const int64_t group = dims[1] % 2 == 0 && d.Chance(40) ? 2 : 1;
  Dims weight = {dims[1], d.Pick(1, 3)};
  const Dims kernel(dims.size() - 2, 2);
  weight.insert(weight.end(), kernel.begin(), kernel.end());
  std::vector<Value> inputs = {x, d.Weight(weight)};
  if (d.Chance(50)) inputs.push_back(d.Weight({group * weight[1]}));
  const Value y = d.Add("ConvTranspose", inputs,
                        {{"group", group}, {"strides", Dims(kernel.size(), d.Pick(1, 2))}});
  return d.Chance(60) ? BatchNorm(d, y) : Activation(d, y);
}

Value WrittenDepthToSpace(Draft& d, Value x) {
  if (x.null()) return {};
  const Dims dims = d.DimsOf(x);
  const bool blocks_first = d.Chance(50);
  const int64_t c = dims[1] / 4, h = dims[2], w = dims[3];
  const Value split =
      d.Add("Reshape", {x, d.Ints(blocks_first ? Dims{0, 2, 2, c, h, w} : Dims{0, c, 2, 2, h, w})});
  const Dims perm = blocks_first ? Dims{0, 3, 4, 1, 5, 2} : Dims{0, 1, 4, 2, 5, 3};
  const Value swapped = d.Add("Transpose", {split}, {{"perm", perm}});
  return d.Add("Reshape", {swapped, d.Ints({0, c, 2 * h, 2 * w})});
}

// Twice the extents, by repetition or by means, or of a convolution's channels.
Value Enlarged(Draft& d, Value x) {
  const size_t rank = d.DimsOf(x).size();
  if (d.At(x).size() > 500) return {};
  Value y = x;
  if (rank == 4 && d.Chance(40)) {
    y = Conv(d, x, {.channels = 4 * d.Pick(1, 2), .keeps_size = true});
    y = d.Chance(40) ? WrittenDepthToSpace(d, y)
                     : d.Add("DepthToSpace", {y},
                             {{"blocksize", 2}, {"mode", d.Chance(50) ? "DCR" : "CRD"}});
  } else {
    absl::StatusOr<Tensor> scales = Tensor::Zeros(DType::kF32, {static_cast<int64_t>(rank)});
    if (!scales.ok()) return {};
    for (size_t i = 0; i < rank; ++i) scales->mutable_values<float>()[i] = i < 2 ? 1 : 2;
    Node* resize = d.AddNode({.op = "Resize",
                              .inputs = {x, Value(), d.Constant(*scales)},
                              .attributes = {{"mode", d.Chance(70) ? "nearest" : "linear"}}});
    if (resize == nullptr) return {};
    y = resize->output();
  }
  if (d.Chance(50)) y = d.Chance(50) ? Activation(d, y) : Affine(d, y);
  return d.Chance(60) ? Conv(d, y, {.kernel = d.Chance(40) ? 1 : 3, .keeps_size = true}) : y;
}

// The last channel first: BGR for RGB.
Value Backwards(Draft& d, Value x) {
  if (x.null()) return {};
  std::vector<int64_t> order(static_cast<size_t>(Channels(d, x)));
  std::iota(order.rbegin(), order.rend(), 0);
  return d.Add("Gather", {x, d.Ints(order)}, {{"axis", 1}});
}

Value Reordered(Draft& d, Value x) {
  return d.Chance(50) ? Conv(d, Backwards(d, x)) : Backwards(d, Conv(d, x));
}

Value Normalized(Draft& d, Value x) {
  Value y = x;
  if (d.Chance(50)) {
    y = BatchNorm(d, x);
  } else {
    if (d.Chance(60)) y = d.Add("Sub", {y, PerChannel(d, x)});
    if (d.Chance(60)) y = d.Add("Div", {y, PerChannel(d, x, 0.5, 1.5)});
    if (d.Chance(30)) y = AnyOrder(d, "Mul", y, PerChannel(d, x));
  }
  return Conv(d, d.Chance(30) ? Activation(d, y) : y);
}

// What a convolution may take of a second image of its size.
Value Gated(Draft& d, Value x) {
  const Value y = Conv(d, x, {.keeps_size = true});
  const Value gate =
      d.Chance(50) ? Conv(d, x, {.channels = 1, .kernel = 1, .keeps_size = true}) : Averages(d, y);
  const Value z = AnyOrder(d, d.OneOf<std::string>({"Add", "Mul"}), y, d.Add("Sigmoid", {gate}));
  return d.Chance(50) ? Activation(d, z) : z;
}

// At times with the channels last, as TensorFlow flattens.
Value DenseNorm(Draft& d, Value x) {
  if (d.Chance(30)) {
    std::vector<int64_t> order(d.DimsOf(x).size());
    std::iota(order.begin() + 1, order.end() - 1, 2);
    order.back() = 1;
    x = d.Add("Transpose", {x}, {{"perm", order}});
    if (x.null()) return {};
  }
  const Value flat = d.Add("Flatten", {x});
  if (flat.null() || !flat.type().dim(1).is_static()) return {};
  const int64_t from = d.DimsOf(flat)[1], to = d.Pick(1, 5);
  const Value y = d.Chance(50) ? d.Add("MatMul", {flat, d.Weight({from, to}, -0.3, 0.3)})
                               : d.Add("Gemm", {flat, d.Weight({to, from}, -0.3, 0.3)},
                                       {{"transB", 1}, {"alpha", d.OneOf<double>({1, 0.5})}});
  return Activation(d, BatchNorm(d, y));
}

constexpr Layers kLayers[] = {ConvBlock, ConvBlock,  Residual,   RepVgg,     PointChain, PointChain,
                              Separable, Affine,     ScaledConv, ScaledConv, Excitation, Dense,
                              Inception, Shuffle,    Pool,       Head,       Dropout,    Twins,
                              BatchNorm, Activation, Parallel,   Parallel,   Strided,    Upwards,
                              Reordered, Normalized, Gated,      DenseNorm,  Enlarged};

}  // namespace

void AddLayers(Draft& d) {
  d.Offer(kLayers[d.Pick(0, static_cast<int>(std::size(kLayers)) - 1)](d, d.AnyImage()));
}

}  // namespace weft
