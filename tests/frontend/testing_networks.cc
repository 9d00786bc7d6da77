#include "testing_networks.h"

namespace weft {
namespace {

using Names = Exporter::Names;
using Axes = std::vector<int64_t>;

// Heights and widths were fixed by exporters until opsets could compute with them.
std::string Image(Exporter& e, const std::string& height, const std::string& width,
                  int dynamic_since = 9) {
  const bool fixed = e.opset() < dynamic_since;
  return e.Input("x", {"N", "3", fixed ? height : "H", fixed ? width : "W"});
}

std::string ConvRelu(Exporter& e, const std::string& x, int64_t in, int64_t out,
                     int64_t stride = 1) {
  return e.Op("Relu", {e.ConvNorm(x, in, out, 3, stride)});
}

std::string Transpose(Exporter& e, const std::string& x, const Axes& perm) {
  const std::string y = e.Op("Transpose", {x});
  e.With("perm", perm);
  return y;
}

std::string Concat(Exporter& e, const Names& parts, int64_t axis) {
  const std::string y = e.Op("Concat", parts);
  e.With("axis", axis);
  return y;
}

// Two blocks, the second with a projection, averages flattened by x.view(x.size(0), -1).
void WriteResidual(Exporter& e) {
  const std::string x = e.Clip(e.Pad(Image(e, "12", "12"), {0, 0, 1, 1, 0, 0, 1, 1}), -0.9f, 0.8f);
  std::string h = ConvRelu(e, x, 3, 8);
  h = e.Op("Relu", {e.Op("Add", {e.ConvNorm(ConvRelu(e, h, 8, 8), 8, 8, 3), h})});
  const std::string shortcut = e.ConvNorm(h, 8, 16, 1, 2);
  h = e.Op("Add", {e.ConvNorm(ConvRelu(e, h, 8, 16, 2), 16, 16, 3), shortcut});
  h = e.Mean(e.Clip(h, 0, 6), {2, 3}, true);
  h = e.Dropout(e.Reshape(h, {e.Size(h, 0), e.Int(-1)}));
  e.Output("logits", e.Linear(h, 16, 10));
}

// Two levels down, and up to the sizes of the skips, which may be odd.
void WriteUNet(Exporter& e) {
  const std::string x = Image(e, "16", "12");
  const std::string first = ConvRelu(e, x, 3, 6);
  const std::string second = ConvRelu(e, e.MaxPool(first, 2), 6, 8);
  std::string h = ConvRelu(e, e.MaxPool(second, 2), 8, 8);
  h = ConvRelu(e, Concat(e, {second, e.ResizeLike(h, second)}, 1), 16, 8);
  h = ConvRelu(e, Concat(e, {e.ResizeLike(h, first), first}, 1), 14, 6);
  e.Output("mask", e.Op("Sigmoid", {e.SameConv(h, 6, 2, 1)}));
  e.Output("masked", e.Op("Mul", {e.SameConv(h, 6, 3, 1), x}));
}

// F.pad(x, [left, right, top, bottom]) to the height and width of `like`, as exporters write it: a
// list of all pads, last axis first, turned around.
std::string PadLike(Exporter& e, const std::string& x, const std::string& like) {
  Names sides;
  for (int64_t axis : {3, 2}) {
    const std::string missing = e.Op("Sub", {e.Size(like, axis), e.Size(x, axis)});
    const std::string half = e.Op("Div", {missing, e.Int(2)});
    sides.insert(sides.end(), {half, e.Op("Sub", {missing, half})});
  }
  const std::string zeros = e.Op("ConstantOfShape", {e.Ints({4})});
  *e.maker().Attribute("value", onnx::AttributeProto::TENSOR)->mutable_t() =
      TensorToProto(Tensor::FromInts(std::vector<int64_t>{0}), "");
  std::string pads = e.Op("Reshape", {Concat(e, {e.List(sides), zeros}, 0), e.Ints({-1, 2})});
  pads = e.Op("Slice", {pads, e.Ints({-1}), e.Ints({INT64_MIN}), e.Ints({0}), e.Ints({-1})});
  pads = e.Op("Cast", {e.Op("Reshape", {Transpose(e, pads, {1, 0}), e.Ints({-1})})});
  e.With("to", int64_t{onnx::TensorProto::INT64});
  const std::string y = e.Op("Pad", {x, pads});
  e.With("mode", std::string("constant"));
  return y;
}

// Up by transposed convolutions, whose result is padded to the size of the skip.
void WritePaddedUNet(Exporter& e) {
  const std::string x = Image(e, "16", "12", 11);
  const std::string skip = ConvRelu(e, x, 3, 6);
  std::string h = ConvRelu(e, e.MaxPool(skip, 2), 6, 8);
  h = e.Op("ConvTranspose", {h, e.Weight({8, 6, 2, 2}, 0.4), e.Weight({6}, 0.2)});
  e.With("kernel_shape", Axes{2, 2}).With("strides", Axes{2, 2});
  if (e.opset() >= 11) h = PadLike(e, h, skip);
  h = ConvRelu(e, Concat(e, {skip, h}, 1), 12, 6);
  e.Output("mask", e.SameConv(h, 6, 2, 1));
}

// Three levels with additions on the way down.
void WriteFpn(Exporter& e) {
  Names levels;
  std::string h = ConvRelu(e, Image(e, "16", "24"), 3, 6);
  for (int64_t i = 0; i < 3; ++i) levels.push_back(h = ConvRelu(e, h, i == 0 ? 6 : 8, 8, 2));
  std::string top;
  for (size_t i = levels.size(); i-- > 0;) {
    const std::string lateral = e.SameConv(levels[i], 8, 8, 1);
    top = top.empty() ? lateral : e.Op("Add", {lateral, e.ResizeLike(top, lateral)});
    e.Output("p" + std::to_string(i + 2), e.SameConv(top, 8, 4, 3));
  }
}

// [1, 1, gh, gw, 2]: the place of each cell, torch.meshgrid of torch.arange.
std::string Grid(Exporter& e, const std::string& height, const std::string& width) {
  const std::string zero = e.Int(0), one = e.Int(1);
  const std::string rows = e.Reshape(e.Op("Range", {zero, height, one}), {e.Int(-1), e.Int(1)});
  const std::string columns = e.Reshape(e.Op("Range", {zero, width, one}), {e.Int(1), e.Int(-1)});
  Names places;
  for (const std::string& axis : {columns, rows}) {
    places.push_back(e.Unsqueeze(e.Expand(axis, {height, width}), 2));
  }
  const std::string grid = e.Op("Cast", {Concat(e, places, 2)});
  e.With("to", int64_t{onnx::TensorProto::FLOAT});
  return e.Unsqueeze(e.Unsqueeze(grid, 0), 0);
}

// The same, where there is no Range: sizes are fixed.
std::string FixedGrid(Exporter& e, int64_t height, int64_t width) {
  std::vector<float> places;
  for (int64_t i = 0; i < height * width; ++i) {
    places.push_back(static_cast<float>(i % width));
    places.push_back(static_cast<float>(i / width));
  }
  return e.Constant(Floats({1, 1, height, width, 2}, places));
}

// Two anchors a cell of 4 pixels, one class, boxes as [N, cells, 6].
void WriteYolo(Exporter& e) {
  const bool fixed = e.opset() < 11;
  const std::string x = Image(e, "16", "24", 11);
  std::string h = ConvRelu(e, ConvRelu(e, x, 3, 8, 2), 8, 8, 2);
  h = e.SameConv(h, 8, 12, 1);
  const std::string batch = e.Size(h, 0), height = e.Size(h, 2), width = e.Size(h, 3);
  h = e.Reshape(h, {batch, e.Int(2), e.Int(6), height, width});
  h = e.Op("Sigmoid", {Transpose(e, h, {0, 1, 3, 4, 2})});
  const Names parts = e.Split(h, 4, {2, 2, 2});
  const std::string grid = fixed ? FixedGrid(e, 4, 6) : Grid(e, height, width);
  std::string xy = e.Op("Sub", {e.Op("Mul", {parts[0], e.Float(2)}), e.Float(0.5f)});
  xy = e.Op("Mul", {e.Op("Add", {xy, grid}), e.Float(4)});
  std::string wh = e.Op("Pow", {e.Op("Mul", {parts[1], e.Float(2)}), e.Float(2)});
  wh = e.Op("Mul", {wh, e.Constant(Floats({1, 2, 1, 1, 2}, {3, 5, 7, 4}))});
  const std::string boxes = Concat(e, {xy, wh, parts[2]}, 4);
  e.Output("boxes", e.Reshape(boxes, {batch, e.Int(-1), e.Int(6)}));
}

// softmax(q k^T / sqrt(4)) v, of two heads of four features.
std::string Attention(Exporter& e, const std::string& x) {
  const std::string batch = e.Size(x, 0), tokens = e.Size(x, 1);
  std::string qkv = e.Linear(x, 8, 24);
  qkv = e.Reshape(qkv, {batch, tokens, e.Int(3), e.Int(2), e.Int(4)});
  qkv = Transpose(e, qkv, {2, 0, 3, 1, 4});
  Names heads;
  for (int64_t i = 0; i < 3; ++i) heads.push_back(e.Op("Gather", {qkv, e.Int(i)}));
  const std::string scores = e.Op("MatMul", {heads[0], Transpose(e, heads[1], {0, 1, 3, 2})});
  const std::string weights = e.Softmax(e.Op("Div", {scores, e.Float(2)}), 3);
  const std::string mixed = Transpose(e, e.Op("MatMul", {weights, heads[2]}), {0, 2, 1, 3});
  return e.Linear(e.Reshape(mixed, {batch, tokens, e.Int(8)}), 8, 8);
}

// Patches of 4 x 4, a class token, one block.
void WriteVit(Exporter& e) {
  const std::string x = e.Input("x", {"batch", "3", "12", "16"});
  std::string h = e.Conv(x, 3, 8, 4, 4, 0);
  h = e.Reshape(h, {e.Size(h, 0), e.Int(8), e.Int(-1)});
  h = Transpose(e, h, {0, 2, 1});
  const std::string token = e.Expand(e.Weight({1, 1, 8}, 1), {e.Size(h, 0), "", ""});
  h = e.Op("Add", {Concat(e, {token, h}, 1), e.Weight({1, 13, 8}, 0.5)});
  h = e.Op("Add", {h, Attention(e, e.LayerNorm(h, 8))});
  h = e.Op("Add", {h, e.Linear(e.Gelu(e.Linear(e.LayerNorm(h, 8), 8, 16)), 16, 8)});
  h = e.LayerNorm(h, 8);
  const std::string first = e.Op("Gather", {h, e.Int(0)});
  e.With("axis", int64_t{1});
  e.Output("logits", e.Linear(first, 8, 5));
}

// Columns of an image of 8 rows are the steps of a bidirectional LSTM.
void WriteCrnn(Exporter& e) {
  const std::string x = e.Input("x", {"N", "3", "8", e.opset() < 9 ? "20" : "W"});
  std::string h = e.MaxPool(ConvRelu(e, x, 3, 6), 2);
  h = e.Squeeze(e.Mean(ConvRelu(e, h, 6, 8), {2}, true), 2);
  h = Transpose(e, h, {2, 0, 1});  // steps, batch, features
  const std::string state =
      e.Expand(e.Constant(Floats({1, 1, 1}, {0})), {e.Int(2), e.Size(h, 1), e.Int(5)});
  const std::string w = e.Weight({2, 20, 8}, 0.5), r = e.Weight({2, 20, 5}, 0.5);
  h = e.Op("LSTM", {h, w, r, e.Weight({2, 40}, 0.2), "", state, state});
  e.With("hidden_size", int64_t{5}).With("direction", std::string("bidirectional"));
  h = Transpose(e, h, {0, 2, 1, 3});
  h = e.Linear(e.Reshape(h, {e.Int(0), e.Int(0), e.Int(-1)}), 10, 7);
  const std::string steps = e.Op("LogSoftmax", {h});
  e.With("axis", int64_t{2});
  e.Output("scores", steps);
}

// Heads on two levels, as [N, anchors, classes] and boxes decoded from offsets.
void WriteSsd(Exporter& e) {
  std::string h = ConvRelu(e, ConvRelu(e, Image(e, "16", "20"), 3, 8, 2), 8, 8);
  Names scores, offsets;
  for (int level = 0; level < 2; ++level) {
    for (const auto& [list, width] : {std::pair{&scores, 3}, std::pair{&offsets, 4}}) {
      const std::string head = Transpose(e, e.SameConv(h, 8, 2 * width, 3), {0, 2, 3, 1});
      list->push_back(e.Reshape(head, {e.Size(head, 0), e.Int(-1), e.Int(width)}));
    }
    h = ConvRelu(e, h, 8, 8, 2);
  }
  const std::string boxes = Concat(e, offsets, 1);
  const std::string sizes = e.Op("Exp", {e.Slice(boxes, 2, 2, INT64_MAX)});
  e.Output("scores", e.Softmax(Concat(e, scores, 1), 2));
  e.Output("boxes", Concat(e, {e.Op("Mul", {e.Slice(boxes, 2, 0, 2), sizes}), sizes}, 2));
}

}  // namespace

const std::vector<ExportedNetwork>& ExportedNetworks() {
  static const auto& networks = *new std::vector<ExportedNetwork>{
      {"residual", WriteResidual, {{2, 3, 12, 12}, {1, 3, 15, 9}, {3, 3, 8, 21}}},
      {"unet", WriteUNet, {{2, 3, 16, 12}, {1, 3, 15, 9}, {3, 3, 7, 22}}},
      {"unet_padded", WritePaddedUNet, {{2, 3, 16, 12}, {1, 3, 15, 9}, {3, 3, 7, 22}}, 11},
      {"fpn", WriteFpn, {{2, 3, 16, 24}, {1, 3, 19, 21}, {3, 3, 9, 14}}},
      {"yolo", WriteYolo, {{2, 3, 16, 24}, {1, 3, 17, 9}, {3, 3, 8, 30}}, 11},
      {"vit", WriteVit, {{2, 3, 12, 16}, {1, 3, 12, 16}, {5, 3, 12, 16}}},
      {"crnn", WriteCrnn, {{2, 3, 8, 20}, {1, 3, 8, 9}, {3, 3, 8, 32}}},
      {"ssd", WriteSsd, {{2, 3, 16, 20}, {1, 3, 15, 9}, {3, 3, 10, 33}}},
  };
  return networks;
}

OnnxMaker WriteNetwork(const ExportedNetwork& network, int opset) {
  Exporter exporter(opset);
  network.write(exporter);
  return exporter.maker();
}

std::vector<Dims> SizesFor(const ExportedNetwork& network, int opset) {
  const bool is_fixed = opset < network.dynamic_since;
  std::vector<Dims> sizes = network.sizes;
  for (Dims& size : sizes) {
    if (is_fixed) std::copy(sizes[0].begin() + 1, sizes[0].end(), size.begin() + 1);
  }
  return sizes;
}

}  // namespace weft
