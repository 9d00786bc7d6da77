// What exporters write out and recognize/ makes one op again.

#include "graph/emitter.h"
#include "graph/text.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

// A net whose nodes are written as expressions: u("Mul", {x, u.Number(0.5)}).
class Written : public Net {
 public:
  explicit Written(DType dtype = DType::kF64) : Net(dtype), dtype_(dtype) {}

  Value operator()(const std::string& op, std::vector<Value> inputs, AttributeMap attributes = {}) {
    return Add(op, op + std::to_string(++count_), std::move(inputs), std::move(attributes));
  }
  // A constant of one element with `rank` axes.
  Value Number(double number, int rank = 0) {
    Tensor tensor = Tensor::Zeros(dtype_, Dims(static_cast<size_t>(rank), 1)).value();
    if (dtype_ == DType::kF64) {
      tensor.mutable_values<double>()[0] = number;
    } else {
      tensor.mutable_values<float>()[0] = static_cast<float>(number);
    }
    return graph.AddConstant("n" + std::to_string(++count_), std::move(tensor)).value();
  }

 private:
  DType dtype_;
  int count_ = 0;
};

using Write = std::function<Value(Written&, Value)>;

// Optimizes what `write` makes of an image in f64 and f32, and expects one `op` and no other node
// that computes; returns its text.
std::string ExpectOne(const std::string& op, const Write& write) {
  std::string text;
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    Written net(dtype);
    net.Output("y", write(net, net.Image(4, 6)));
    ExpectSameResults(net.graph, TestOptions(), dtype == DType::kF64 ? 1e-11 : 1e-5);
    EXPECT_EQ(CountOps(net.graph, op), 1) << ToText(net.graph);
    int computing = 0;
    for (const Node& node : net.graph.nodes()) computing += node.num_inputs() > 0 ? 1 : 0;
    EXPECT_EQ(computing, 1) << ToText(net.graph);
    text = ToText(net.graph);
  }
  return text;
}

void ExpectNot(const std::string& rule, const Write& write, const std::string& condition) {
  Written net;
  net.Output("y", write(net, net.Image(4, 6)));
  ExpectDeclined(net.graph, {rule}, {rule + " at " + condition});
}

TEST(RecognizeActivationTest, MaxAndMin) {
  for (const int rank : {0, 1, 4}) {
    ExpectOne("Relu", [&](Written& w, Value x) { return w("Max", {x, w.Number(0, rank)}); });
    ExpectOne("Relu", [&](Written& w, Value x) { return w("Max", {w.Number(0, rank), x}); });
    ExpectOne("LeakyRelu", [&](Written& w, Value x) {
      return w("Max", {w("Mul", {w.Number(0.1, rank), x}), x});
    });
    ExpectOne("Clip", [&](Written& w, Value x) {
      return w("Min", {w.Number(0.5, rank), w("Max", {x, w.Number(-0.25, rank)})});
    });
  }
}

TEST(RecognizeActivationTest, NearMisses) {
  ExpectNot(
      "recognize_relu",
      [](Written& w, Value x) {
        return w("Max", {x, w.Number(0.5)});
      },
      "Max2: n1 is 0.5, not 0");
  ExpectNot(
      "recognize_leaky_relu",
      [](Written& w, Value x) {
        return w("Max", {x, w("Mul", {x, w.Number(1.5)})});
      },
      "Max3: n1 is not between 0 and 1");
  const double nan = std::nan("");  // the largest of NaN and anything is NaN
  ExpectNot(
      "recognize_relu",
      [=](Written& w, Value x) {
        return w("Max", {x, w.Number(nan)});
      },
      "Max2: n1 is not the number 0");
  Written bytes;
  const Value b = bytes.graph.AddInput("b", {DType::kU8, {Dim(3)}}).value();
  const Value zero = bytes.graph.AddConstant("zero", Tensor::Scalar(0, DType::kU8)).value();
  bytes.Output("y", bytes("Max", {b, zero}));
  ExpectDeclined(bytes.graph, {"recognize_relu"}, {"recognize_relu at Max1: Relu takes no u8[3]"});
  // A second axis of the number would be one of the result's.
  Written vector;
  const Value x = vector.graph.AddInput("x", {DType::kF64, {Dim(3)}}).value();
  vector.Output("y", vector("Max", {x, vector.Number(0, 2)}));
  ExpectDeclined(vector.graph, {"recognize_relu"},
                 {"recognize_relu at Max2: x is f64[3], Max2 is f64[1,3]"});
}

TEST(RecognizeActivationTest, SigmoidsAndTheirProducts) {
  ExpectOne("Silu", [](Written& w, Value x) { return w("Mul", {x, w("Sigmoid", {x})}); });
  ExpectOne("Silu", [](Written& w, Value x) { return w("Mul", {w("Sigmoid", {x}), x}); });
  ExpectOne("Softplus", [](Written& w, Value x) {
    return w("Log", {w("Add", {w("Exp", {x}), w.Number(1)})});
  });
  ExpectOne("Mish", [](Written& w, Value x) {
    return w("Mul", {x, w("Tanh", {w("Log", {w("Add", {w.Number(1), w("Exp", {x})})})})});
  });
}

Value Relu6Of(Written& w, Value x) {
  return w("Clip", {w("Add", {x, w.Number(3)}), w.Number(0), w.Number(6)});
}

TEST(RecognizeActivationTest, HardSwishInItsOrders) {
  ExpectOne("HardSwish", [](Written& w, Value x) {
    return w("Div", {w("Mul", {x, Relu6Of(w, x)}), w.Number(6)});
  });
  ExpectOne("HardSwish", [](Written& w, Value x) {
    return w("Mul", {w("Mul", {Relu6Of(w, x), w.Number(1.0 / 6)}), x});
  });
  ExpectOne("HardSwish", [](Written& w, Value x) {
    return w("Mul", {x, w("HardSigmoid", {x}, {{"alpha", 1.0 / 6}, {"beta", 0.5}})});
  });
  ExpectOne("HardSigmoid", [](Written& w, Value x) {
    return w("Div", {Relu6Of(w, x), w.Number(6)});
  });
  Written other;
  const Value x = other.Image(4, 6);
  other.Output("y", other("Mul", {x, other("HardSigmoid", {x})}));  // ONNX's default alpha is 0.2
  ExpectDeclined(other.graph, {"recognize_hard_swish"}, {});
}

TEST(RecognizeActivationTest, AGateThatIsReadElsewhereStays) {
  Written net;
  const Value x = net.Image(4, 6);
  const Value gate = net("Sigmoid", {x});
  net.Output("y", net("Mul", {x, gate}));
  net.Output("z", net("Neg", {gate}));
  ExpectDeclined(net.graph, {"recognize_silu"},
                 {"recognize_silu at Mul2: Sigmoid1 is read by Neg3 too"});
}

Value HalfOf(Written& w, Value x, Value gate, int order) {
  const Value half = w.Number(0.5);
  if (order == 0) return w("Mul", {w("Mul", {x, half}), gate});
  if (order == 1) return w("Mul", {w("Mul", {x, gate}), half});
  return w("Mul", {x, w("Mul", {half, gate})});
}

TEST(RecognizeGeluTest, BothFormsInEveryOrder) {
  for (const int order : {0, 1, 2}) {
    for (const bool divide : {false, true}) {
      const std::string text = ExpectOne("Gelu", [&](Written& w, Value x) {
        const Value scaled = divide ? w("Div", {x, w.Number(1.4142135623730951)})
                                    : w("Mul", {x, w.Number(0.7071067811865476)});
        return HalfOf(w, x, w("Add", {w("Erf", {scaled}), w.Number(1)}), order);
      });
      EXPECT_EQ(text.find("tanh"), std::string::npos) << text;
      const std::string tanh = ExpectOne("Gelu", [&](Written& w, Value x) {
        const Value cube = divide ? w("Pow", {x, w.Number(3)}) : w("Mul", {x, w("Mul", {x, x})});
        const Value sum = w("Add", {x, w("Mul", {w.Number(0.044715), cube})});
        const Value scaled = w("Mul", {sum, w.Number(0.7978845608028654)});
        return HalfOf(w, x, w("Add", {w.Number(1), w("Tanh", {scaled})}), order);
      });
      EXPECT_NE(tanh.find("tanh"), std::string::npos) << tanh;
    }
  }
  ExpectNot(
      "recognize_gelu",
      [](Written& w, Value x) {
        const Value erf = w("Erf", {w("Div", {x, w.Number(1.5)})});
        return HalfOf(w, x, w("Add", {erf, w.Number(1)}), 0);
      },
      "Mul8: n1 is 1.5, not 1.41421");
}

AttributeMap Axes(std::vector<int64_t> axes, int keepdims = 1) {
  return {{"axes", std::move(axes)}, {"keepdims", keepdims}};
}

TEST(RecognizeSoftmaxTest, WithAndWithoutTheMaximum) {
  for (const int64_t axis : {1, -1}) {
    for (const bool less : {false, true}) {
      const auto z = [=](Written& w, Value x) {
        return less ? w("Sub", {x, w("ReduceMax", {x}, Axes({axis}))}) : x;
      };
      ExpectOne("Softmax", [&](Written& w, Value x) {
        const Value e = w("Exp", {z(w, x)});
        return w("Div", {e, w("ReduceSum", {e}, Axes({axis}))});
      });
      ExpectOne("Softmax", [&](Written& w, Value x) {
        const Value e = w("Exp", {z(w, x)});
        return w("Mul", {w("Reciprocal", {w("ReduceSum", {e}, Axes({axis}))}), e});
      });
      ExpectOne("LogSoftmax", [&](Written& w, Value x) {
        const Value shifted = z(w, x);
        return w("Sub", {shifted, w("Log", {w("ReduceSum", {w("Exp", {shifted})}, Axes({axis}))})});
      });
    }
  }
  ExpectOne("LogSoftmax", [](Written& w, Value x) {
    return w("Log", {w("Softmax", {x}, {{"axis", 1}})});
  });
}

TEST(RecognizeSoftmaxTest, NearMisses) {
  ExpectNot(
      "recognize_softmax",
      [](Written& w, Value x) {
        const Value e = w("Exp", {x});
        return w("Div", {e, w("ReduceSum", {e}, Axes({2, 3}))});
      },
      "Div3: ReduceSum2 is over 2 axes");
  ExpectNot(
      "recognize_softmax",
      [](Written& w, Value x) {
        const Value e = w("Exp", {x});
        return w("Div", {e, w("ReduceSum", {e}, Axes({0}, 0))});
      },
      "Div3: ReduceSum2 does not keep its axes");
}

// (x - mean) / sqrt(variance + 1e-5) over `axes`.
Value Normalized(Written& w, Value x, const std::vector<int64_t>& axes, bool pow = true) {
  const Value d = w("Sub", {x, w("ReduceMean", {x}, Axes(axes))});
  const Value square = pow ? w("Pow", {d, w.Number(2)}) : w("Mul", {d, d});
  const Value variance = w("ReduceMean", {square}, Axes(axes));
  return w("Div", {d, w("Sqrt", {w("Add", {variance, w.Number(1e-5)})})});
}

TEST(RecognizeNormalizationTest, LayersAndInstancesWithScaleAndShift) {
  for (const bool pow : {false, true}) {
    ExpectOne("LayerNormalization",
              [&](Written& w, Value x) { return Normalized(w, x, {-1}, pow); });
    ExpectOne("LayerNormalization", [&](Written& w, Value x) {
      const Value scaled = w("Mul", {Normalized(w, x, {3}, pow), w.Random("scale", {6})});
      return w("Add", {scaled, w.Random("bias", {6})});
    });
    ExpectOne("InstanceNormalization", [&](Written& w, Value x) {
      const Value scaled = w("Mul", {Normalized(w, x, {2, 3}, pow), w.Random("scale", {4, 1, 1})});
      return w("Add", {scaled, w.Random("bias", {1, 4, 1, 1})});
    });
  }
  // All three axes: an image's layer, with one scale an element.
  ExpectOne("LayerNormalization", [&](Written& w, Value x) {
    return w("Mul", {w.Random("scale", {4, 6, 6}), Normalized(w, x, {1, 2, 3})});
  });
}

TEST(RecognizeNormalizationTest, GroupsFromInstancesOfReshapedChannels) {
  ExpectOne("GroupNormalization", [](Written& w, Value x) {
    const Value groups = w("Reshape", {x, Emitter(w.graph, "shape").Ints({0, 2, -1})});
    const Value normalized =
        w("InstanceNormalization", {groups, w.Random("ones", {2}), w.Random("zeros", {2})});
    const Value back = w("ReshapeLike", {normalized, x});
    const Value scaled = w("Mul", {back, w.Random("scale", {4, 1, 1})});
    return w("Add", {scaled, w.Random("bias", {4, 1, 1})});
  });
}

TEST(RecognizeNormalizationTest, NearMisses) {
  ExpectNot(
      "recognize_normalization", [](Written& w, Value x) { return Normalized(w, x, {1}); },
      "Div9: ReduceMean1 is over the axes [1], not the last ones");
  // A mean over other axes than the variance.
  ExpectNot(
      "recognize_normalization",
      [](Written& w, Value x) {
        const Value d = w("Sub", {x, w("ReduceMean", {x}, Axes({3}))});
        const Value variance = w("ReduceMean", {w("Mul", {d, d})}, Axes({2, 3}));
        return w("Div", {d, w("Sqrt", {w("Add", {variance, w.Number(1e-5)})})});
      },
      "Div8: ReduceMean1 is over the axes [3], ReduceMean4 over [2,3]");
  ExpectNot(
      "fold_normalization_scale",
      [](Written& w, Value x) {
        const Value norm = w("LayerNormalization", {x, w.Random("scale", {6})}, {{"axis", 3}});
        return w("Mul", {norm, w.Random("c", {6, 1})});
      },
      "Mul2: c is f64[6,1], scale f64[6]");
}

}  // namespace
}  // namespace weft
