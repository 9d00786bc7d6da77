#include "frontend/build/layers/recurrent.h"

#include <utility>
#include <vector>

#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"

namespace weft {
namespace {

// Which of PyTorch's gates ONNX has in each place: i, f, g, o there and i, o, f, c here; r, z, n
// there and z, r, h here.
struct GateOrder {
  std::string op;
  std::vector<size_t> gates;
};

// A stack of layers of one kind.
class Stack {
 public:
  Stack(Layer& layer, const GateOrder& order, const RecurrentOptions& o)
      : layer_(layer), order_(order), o_(o), directions_(o.bidirectional ? 2 : 1) {}

  RecurrentResult Build(Value x) {
    if (!Check(x)) return {};
    std::vector<Value> h, c;
    for (int64_t l = 0; l < o_.layers; ++l) {
      if (l > 0 && o_.dropout > 0) {
        x = layer_.Part("Dropout", {x}, {{"ratio", o_.dropout}, {"stream", layer_.Stream() - l}});
      }
      Node* node = AddLayer(x, l);
      if (node == nullptr) return {};
      x = JoinDirections(node->output(0), l + 1 == o_.layers);
      h.push_back(FromOnnxState(node->output(1)));
      if (has_cell_state()) c.push_back(FromOnnxState(node->output(2)));
    }
    return {x, Joined(std::move(h)), has_cell_state() ? Joined(std::move(c)) : Value()};
  }

 private:
  bool has_cell_state() const { return order_.op == "LSTM"; }

  bool Check(Value x) {
    if (!layer_.ExpectRank(x, 3, o_.batch_first ? "[N,T,C]" : "[T,N,C]") ||
        !layer_.ExpectAtLeast("hidden_size", o_.hidden_size, 1) ||
        !layer_.ExpectAtLeast("layers", o_.layers, 1)) {
      return false;
    }
    const auto refuse = [&](std::string expected, std::string got) {
      layer_.Fail(absl::InvalidArgumentError(absl::StrCat("expected ", expected, ", got ", got)));
    };
    if (constexpr int64_t kMost = 1000; o_.layers > kMost) {
      refuse(absl::StrCat("at most ", kMost, " layers"), absl::StrCat(o_.layers));
      return false;
    }
    if (!(0 <= o_.dropout && o_.dropout < 1)) {
      refuse("dropout in [0,1)", absl::StrCat(o_.dropout));
    }
    const bool relu = o_.nonlinearity == "relu";
    if (o_.nonlinearity != "tanh" && !(relu && order_.op == "RNN")) {
      refuse(order_.op == "RNN" ? "nonlinearity \"tanh\" or \"relu\"" : "nonlinearity \"tanh\"",
             absl::StrCat("\"", o_.nonlinearity, "\""));
    }
    if (o_.initial_c && !has_cell_state()) refuse("no initial_c", ToString(o_.initial_c.type()));
    for (Value state : {o_.initial_h, o_.initial_c}) {
      if (!state || !layer_.ExpectRank(state, 3, "initial state [layers*directions,N,hidden]")) {
        continue;
      }
      // Each layer slices its own rows; more of them would go unnoticed.
      const Dim& rows = state.type().dim(0);
      if (rows.is_static() && rows.coefficient() != o_.layers * directions_) {
        refuse(absl::StrCat("an initial state [", o_.layers * directions_, ",N,hidden]"),
               ToString(state.type()));
      }
    }
    return layer_.ok();
  }

  // PyTorch's parameter with its gates in ONNX's order, [1,...].
  Value Weights(const char* kind, int64_t l, int64_t direction, Dims dims) {
    const bool is_bias = dims.size() == 1;
    // The bound of PyTorch's default follows from the hidden size for all of them.
    const Fans fans{.in = o_.hidden_size, .out = o_.hidden_size};
    const Initializer init = o_.init.value_or(layer_.default_init());
    Value value = layer_.Parameter(absl::StrCat(kind, "_l", l, direction == 0 ? "" : "_reverse"),
                                   dims, is_bias && !o_.init ? init.ForBias(fans) : init, fans);
    if (order_.gates.size() > 1) {
      const int64_t gates = static_cast<int64_t>(order_.gates.size());
      Node* split = layer_.WholePart("Split", {value}, {{"axis", 0}, {"num_outputs", gates}});
      if (split == nullptr) return {};
      std::vector<Value> ordered;
      for (const size_t gate : order_.gates) {
        ordered.push_back(split->output(static_cast<int>(gate)));
      }
      value = layer_.Part("Concat", std::move(ordered), {{"axis", 0}});
    }
    return layer_.Part("Unsqueeze", {value, layer_.Ints({0})});
  }

  Value Joined(std::vector<Value> parts, int64_t axis = 0) {
    if (parts.size() == 1) return parts[0];
    return layer_.Part("Concat", std::move(parts), {{"axis", axis}});
  }

  // W, R and B of both directions.
  std::vector<Value> Parameters(int64_t l, int64_t features) {
    int64_t rows = 0;
    if (__builtin_mul_overflow(static_cast<int64_t>(order_.gates.size()), o_.hidden_size, &rows)) {
      layer_.Fail(absl::InvalidArgumentError(
          absl::StrCat("expected a smaller hidden_size, got ", o_.hidden_size)));
      return {};
    }
    std::vector<Value> w, r, b;
    for (int64_t d = 0; d < directions_; ++d) {
      w.push_back(Weights("weight_ih", l, d, {rows, features}));
      r.push_back(Weights("weight_hh", l, d, {rows, o_.hidden_size}));
      if (!o_.bias) continue;
      const Value input = Weights("bias_ih", l, d, {rows});
      b.push_back(Joined({input, Weights("bias_hh", l, d, {rows})}, 1));
    }
    return {Joined(std::move(w)), Joined(std::move(r)), o_.bias ? Joined(std::move(b)) : Value()};
  }

  Node* AddLayer(Value x, int64_t l) {
    const int64_t features = layer_.KnownExtent(x, 2, "features");
    std::vector<Value> inputs = {x};
    for (Value parameter : Parameters(l, features)) inputs.push_back(parameter);
    inputs.push_back(o_.lengths);
    inputs.push_back(ToOnnxState(o_.initial_h, l));
    if (has_cell_state()) inputs.push_back(ToOnnxState(o_.initial_c, l));
    AttributeMap attributes = {{"hidden_size", o_.hidden_size},
                               {"direction", o_.bidirectional ? "bidirectional" : "forward"},
                               {"layout", o_.batch_first ? 1 : 0}};
    if (order_.op == "GRU") attributes["linear_before_reset"] = 1;
    if (o_.nonlinearity == "relu") {
      attributes["activations"] =
          std::vector<std::string>(static_cast<size_t>(directions_), "Relu");
    }
    return layer_.WholePart(order_.op, std::move(inputs), std::move(attributes),
                            has_cell_state() ? 3 : 2);
  }

  // [T,D,N,H] or, batch first, [N,T,D,H] as [T,N,D*H] or [N,T,D*H].
  Value JoinDirections(Value y, bool last) {
    if (!o_.batch_first && directions_ > 1) {
      y = layer_.Part("Transpose", {y}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
    }
    const Value argument = directions_ > 1 ? layer_.Ints({0, 0, directions_ * o_.hidden_size})
                                           : layer_.Ints({o_.batch_first ? 2 : 1});
    const char* op = directions_ > 1 ? "Reshape" : "Squeeze";
    return last ? layer_.Result(op, {y, argument}) : layer_.Part(op, {y, argument});
  }

  // This layer's part of [layers*D,N,H], batch first [N,D,H]; null stays null.
  Value ToOnnxState(Value state, int64_t l) {
    if (!state) return {};
    if (o_.layers > 1) {
      state = layer_.Part("Slice", {state, layer_.Ints({l * directions_}),
                                    layer_.Ints({(l + 1) * directions_}), layer_.Ints({0})});
    }
    return FromOnnxState(state);
  }
  // [D,N,H] from [N,D,H], which is its own inverse; both are [D,N,H] unless batch first.
  Value FromOnnxState(Value state) {
    if (!o_.batch_first) return state;
    return layer_.Part("Transpose", {state}, {{"perm", std::vector<int64_t>{1, 0, 2}}});
  }

  Layer& layer_;
  const GateOrder& order_;
  const RecurrentOptions& o_;
  int64_t directions_;
};

RecurrentResult MakeStack(Builder& builder, const GateOrder& order, Value x,
                          const RecurrentOptions& o, const Where& where) {
  Layer layer(builder, order.op, o.name, where);
  const RecurrentResult result = Stack(layer, order, o).Build(x);
  return layer.ok() ? result : RecurrentResult();
}

}  // namespace

RecurrentResult RecurrentLayers::Rnn(Value x, const RecurrentOptions& o, Where where) {
  return MakeStack(builder(), {"RNN", {0}}, x, o, where);
}

RecurrentResult RecurrentLayers::Lstm(Value x, const RecurrentOptions& o, Where where) {
  return MakeStack(builder(), {"LSTM", {0, 3, 1, 2}}, x, o, where);
}

RecurrentResult RecurrentLayers::Gru(Value x, const RecurrentOptions& o, Where where) {
  return MakeStack(builder(), {"GRU", {1, 0, 2}}, x, o, where);
}

}  // namespace weft
