// cancel_transposes: every op that works along any axes, and what ties an op to its axes.

#include <functional>

#include "tests/passes/testing_orders.h"

namespace weft {
namespace {

// What an exporter writes of an NHWC model: `build` makes a node called "op" of x, [N,3,4,5].
struct OpCase {
  std::string name;
  std::function<Value(Net&, Value)> build;
  std::string type = {};  // of "op", once it has moved
};

std::vector<OpCase> ElementwiseCases() {
  const auto binary = [](const std::string& op, Dims dims) {
    return [=](Net& n, Value x) { return n.Add(op, "op", {x, n.Random("c", dims)}); };
  };
  return {
      {"relu", [](Net& n, Value x) { return n.Relu("op", x); }, "f64[N,5,3,4]"},
      {"channels", binary("Add", {5}), "f64[N,5,3,4]"},
      {"channels_of_an_image", binary("Mul", {1, 1, 1, 5}), "f64[N,5,3,4]"},
      {"image", binary("Sub", {3, 4, 5}), "f64[N,5,3,4]"},
      {"number", binary("Add", {}), "f64[N,5,3,4]"},
      {"prelu", binary("PRelu", {1, 1, 5}), "f64[N,5,3,4]"},
      {"number_first",
       [](Net& n, Value x) {
         return n.Add("Div", "op", {n.Random("c", {1}), x});
       }},
      {"channels_of_examples",
       [](Net& n, Value x) {
         return n.Add("Mul", "op", {x, Input(n, "gates", {kN, 1, 1, 5})});
       },
       "f64[N,5,3,4]"},
      {"channels_from_outside",
       [](Net& n, Value x) {
         return n.Add("Mul", "op", {x, Input(n, "gates", {5})});
       },
       "f64[N,5,3,4]"},
      {"clip",
       [](Net& n, Value x) {
         return n.Add("Clip", "op", {x, Value(), n.Random("high", {}, 0, 1)});
       }},
      {"where",
       [](Net& n, Value x) {
         const Value mask = n.Add("Less", "mask", {x, n.Random("c", {5})});
         return n.Add("Where", "op", {mask, x, n.Random("other", {4, 1})});
       }},
      {"cast",
       [](Net& n, Value x) {
         return n.Add("Cast", "op", {x}, {{"to", DType::kF32}});
       }},
  };
}

std::vector<OpCase> AxisCases() {
  const auto along = [](const std::string& op, AttributeMap attributes) {
    return [=](Net& n, Value x) { return n.Add(op, "op", {x}, attributes); };
  };
  return {
      {"softmax", along("Softmax", {}), "f64[N,5,3,4]"},
      {"log_softmax", along("LogSoftmax", {{"axis", 1}})},
      {"hardmax", along("Hardmax", {{"axis", 3}})},
      {"lp_normalization", along("LpNormalization", {{"axis", -1}})},
      {"mean", along("ReduceMean", {{"axes", Dims{1, 2}}}), "f64[N,5,1,1]"},
      {"mean_without_axes", along("ReduceMean", {{"axes", Dims{1, 2}}, {"keepdims", 0}}),
       "f64[N,5]"},
      {"max_of_channels", along("ReduceMax", {{"axes", Dims{-1}}}), "f64[N,1,3,4]"},
      {"max_of_channels_without", along("ReduceMax", {{"axes", Dims{-1}}, {"keepdims", 0}}),
       "f64[N,3,4]"},
      {"rows", along("ReduceL2", {{"axes", Dims{2}}, {"keepdims", 0}}), "f64[N,5,3]"},
      {"all", along("ReduceSum", {{"keepdims", 0}}), "f64[]"},
      {"arg_max", along("ArgMax", {{"axis", -1}}), "i64[N,1,3,4]"},
      {"arg_max_without", along("ArgMax", {{"axis", 3}, {"keepdims", 0}}), "i64[N,3,4]"},
      {"arg_min", along("ArgMin", {{"axis", 1}, {"keepdims", 0}}), "i64[N,5,4]"},
      {"gather",
       [](Net& n, Value x) {
         return n.Add("Gather", "op", {x, Ints(n, {2, 0})}, {{"axis", -1}});
       },
       "f64[N,2,3,4]"},
      {"gather_one",
       [](Net& n, Value x) {
         const Value one = n.graph.AddConstant("one", Tensor::Scalar(1, DType::kI64)).value();
         return n.Add("Gather", "op", {x, one}, {{"axis", 1}});
       },
       "f64[N,5,4]"},
      {"split",
       [](Net& n, Value x) {
         Node* split = n.Add("Split", "op", {x, Ints(n, {2, 3})}, {{"axis", 3}}, 2).node;
         return n.Add("Concat", "joined", {split->output(1), split->output(0)}, {{"axis", -1}});
       },
       "f64[N,2,3,4]"},
      {"concat",
       [](Net& n, Value x) {
         return n.Add("Concat", "op", {x, n.Relu("relu", x)}, {{"axis", 2}});
       },
       "f64[N,5,3,8]"},
  };
}

std::vector<OpCase> ListCases() {
  const auto resize = [](Tensor roi, Tensor scales, Dims sizes, AttributeMap attributes) {
    return [=](Net& n, Value x) {
      std::vector<Value> inputs = {x, Value(), Value(), Value()};
      if (roi.rank() == 1) inputs[1] = n.graph.AddConstant("roi", roi).value();
      if (scales.rank() == 1) inputs[2] = n.graph.AddConstant("scales", scales).value();
      if (!sizes.empty()) inputs[3] = Ints(n, sizes);
      return n.Add("Resize", "op", std::move(inputs), attributes);
    };
  };
  const auto floats = [](std::vector<float> v) {
    return Tensor::FromValues<float>({static_cast<int64_t>(v.size())}, v).value();
  };
  const auto with_lists = [](const std::string& op, std::vector<Dims> lists,
                             AttributeMap attributes = {}) {
    return [=](Net& n, Value x) {
      std::vector<Value> inputs = {x};
      for (const Dims& list : lists) inputs.push_back(list.empty() ? Value() : Ints(n, list));
      return n.Add(op, "op", std::move(inputs), attributes);
    };
  };
  return {
      {"pad", with_lists("Pad", {{0, 1, 2, 0, 0, 3, 4, 1}}), "f64[N,6,7,10]"},
      {"pad_of_axes", with_lists("Pad", {{1, -1, 0, 2}, {}, {1, -1}}), "f64[N,6,4,4]"},
      {"pad_by_mirror", with_lists("Pad", {{0, 1, 2, 0, 0, 2, 1, 0}}, {{"mode", "reflect"}}),
       "f64[N,5,6,7]"},
      {"slice", with_lists("Slice", {{0, -1}, {9, -9}, {1, 3}, {2, -1}}), "f64[N,5,2,4]"},
      {"slice_of_first_axes", with_lists("Slice", {{0, 1}, {9, 3}}), ""},
      {"tile", with_lists("Tile", {{1, 2, 1, 3}}), "f64[N,15,6,4]"},
      {"resize_by_scales",
       resize({}, floats({1, 2, 1.5, 1}), {},
              {{"mode", "linear"}, {"coordinate_transformation_mode", "half_pixel"}}),
       "f64[N,5,6,6]"},
      {"resize_to_sizes", resize({}, {}, {7, 6, 3, 5}, {{"mode", "cubic"}}), "f64[7,5,6,3]"},
      {"resize_axes", resize({}, floats({3, 2}), {}, {{"axes", Dims{2, 1}}}), "f64[N,5,6,12]"},
      {"crop_and_resize",
       resize(floats({0, 0.25, 0, 0, 1, 1, 0.5, 1}), floats({1, 2, 2, 1}), {},
              {{"mode", "linear"}, {"coordinate_transformation_mode", "tf_crop_and_resize"}}),
       "f64[N,5,4,4]"},
      {"expand",
       [](Net& n, Value x) {
         const Value low = n.Add("ReduceMin", "low", {x}, {{"axes", Dims{1, 2}}});
         return n.Add("Sub", "sub", {x, n.Add("Expand", "op", {low, Ints(n, {3, 4, 5})})});
       },
       "f64[N,5,3,4]"},
      {"squeeze",
       [](Net& n, Value x) {
         const Value high = n.Add("ReduceMax", "high", {x}, {{"axes", Dims{1}}});
         return n.Add("Squeeze", "op", {high, Ints(n, {1})});
       },
       "f64[N,5,4]"},
      {"reshape",
       [](Net& n, Value x) {
         const Value mean = n.Add("ReduceMean", "mean", {x}, {{"axes", Dims{1, 2}}});
         return n.Add("Reshape", "op", {mean, Ints(n, {-1, 5})});
       },
       "f64[N,5]"},
      {"flatten",
       [](Net& n, Value x) {
         return n.Add("Flatten", "op", {n.Add("ReduceMean", "mean", {x}, {{"axes", Dims{1, 2}}})});
       },
       "f64[N,5]"},
      {"unsqueeze",
       [](Net& n, Value x) {
         const Value apart = n.Add("Unsqueeze", "op", {x, Ints(n, {-2, 0})});
         return n.Add("ReduceMax", "max", {apart}, {{"axes", Dims{0, 4}}, {"keepdims", 0}});
       },
       "f64[1,N,5,3,1,4]"},
  };
}

// x [N,5,3,4] -> to NHWC -> op -> back or, where axes have gone, what orders them as before.
TEST(CancelTransposesTest, OpsWorkAlongOtherAxes) {
  for (const auto& cases : {ElementwiseCases(), AxisCases(), ListCases()}) {
    for (const OpCase& c : cases) {
      SCOPED_TRACE(c.name);
      Net net;
      const Value x = Input(net, "x", {kN, 5, 3, 4});
      Value y = c.build(net, Transpose(net, "there", x, kToLast));
      if (y.type().rank() == 4) y = Transpose(net, "back", y, kToFirst);
      // [N,H,C] or [N,W,C]
      if (y.type().rank() == 3 && y.type().dim(2) == Dim(5))
        y = Transpose(net, "back", y, {0, 2, 1});
      net.Output("y", y);
      ExpectSameResults(net.graph, TestOptions(kCancel));
      EXPECT_EQ(CountOps(net.graph, "Transpose"), 0);
      if (!c.type.empty()) {
        EXPECT_EQ(ToString(net.graph.Find("op")->type()), c.type);
      }
    }
  }
}

// Between the same Transposes, without a remark.
TEST(CancelTransposesTest, OpsThatAreTiedToTheirAxesStay) {
  const std::vector<OpCase> cases = {
      {"conv", [](Net& n, Value x) { return n.Conv("op", x, 3); }},
      {"batch_norm", [](Net& n, Value x) { return n.BatchNorm("op", x); }},
      {"computed_pads",
       [](Net& n, Value x) {
         const Value pads = Input(n, "pads", {8}, DType::kI64);
         return n.Add("Identity", "after", {n.Add("Pad", "op", {x, pads})});
       }},
      {"computed_starts",
       [](Net& n, Value x) {
         const Value starts = Input(n, "starts", {1}, DType::kI64);
         return n.Add("Slice", "op", {x, starts, Ints(n, {9})});
       }},
      {"computed_sizes",
       [](Net& n, Value x) {
         const Value sizes = Input(n, "sizes", {4}, DType::kI64);
         return n.Add("Resize", "op", {x, Value(), Value(), sizes});
       }},
      {"rows_of_indices",
       [](Net& n, Value x) {
         const Value indices =
             n.graph
                 .AddConstant("indices",
                              Tensor::FromInts(Dims{0, 1, 2, 0}).Reshaped({2, 2}).value())
                 .value();
         const Value rows = n.Add("Gather", "op", {x, indices}, {{"axis", 3}});
         return n.Add("ReduceSum", "sum", {rows}, {{"axes", Dims{4}}, {"keepdims", 0}});
       }},
      {"elements_in_a_row",
       [](Net& n, Value x) {
         return n.Add("Reshape", "op", {x, Ints(n, {0, 4, 3, 5})});
       }},
      {"random",
       [](Net& n, Value x) {
         return n.Add("Dropout", "op", {x}, {{"mode", "training"}});
       }},
  };
  for (const OpCase& c : cases) {
    SCOPED_TRACE(c.name);
    Net net;
    const Value x = Input(net, "x", {kN, 5, 3, 4});
    const Value y = c.build(net, Transpose(net, "there", x, kToLast));
    net.Output("y", Transpose(net, "back", y, kToFirst));
    ExpectDeclined(net.graph, {"cancel_transposes"}, {});
  }
}

}  // namespace
}  // namespace weft
