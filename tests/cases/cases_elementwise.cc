#include "tests/cases/table.h"

namespace weft {
namespace {

struct Broadcast {
  std::string name;
  Dims a, b, result;
  std::vector<int> batch_inputs = {};
};

std::vector<Broadcast> Broadcasts() {
  return {
      {"same", {2, 3, 4, 5}, {2, 3, 4, 5}, {2, 3, 4, 5}, {0, 1}},
      {"scalar", {2, 3}, {}, {2, 3}, {0}},
      {"scalar_first", {}, {2, 3}, {2, 3}, {1}},
      {"two_scalars", {}, {}, {}},
      {"channel", {2, 17, 3, 3}, {1, 17, 1, 1}, {2, 17, 3, 3}, {0}},
      {"channel_lower_rank", {2, 3, 4, 1}, {3, 1, 1}, {2, 3, 4, 1}, {0}},
      {"last_axis", {4, 5}, {5}, {4, 5}, {0}},
      {"first_axis", {4, 1}, {4, 5}, {4, 5}, {0, 1}},
      {"both", {4, 1, 3}, {5, 1}, {4, 5, 3}, {0}},
      {"both_same_rank", {1, 3, 1, 5}, {2, 1, 4, 1}, {2, 3, 4, 5}, {1}},
      {"one_element", {1, 1, 1}, {3}, {1, 1, 3}, {0}},
      {"empty", {0, 3}, {3}, {0, 3}, {0}},
      {"empty_by_broadcast", {1, 3}, {0, 1}, {0, 3}, {1}},
  };
}

}  // namespace

std::vector<OpCase> ElementwiseCases() {
  std::vector<OpCase> all;
  for (const char* op : {"Add", "Sub", "Mul", "Div"}) {
    for (const Broadcast& b : Broadcasts()) {
      all.push_back({.op = op,
                     .name = b.name,
                     .inputs = {Uniform(b.a), OffZero(b.b)},
                     .outputs = {b.result},
                     .batch_inputs = b.batch_inputs});
    }
    for (DType dtype : {DType::kI32, DType::kI64, DType::kU8}) {
      all.push_back({.op = op,
                     .name = std::string(ToString(dtype)),
                     .inputs = {Integers({2, 3}, 5, 9, dtype), Integers({3}, 1, 5, dtype)},
                     .outputs = {{2, 3}},
                     .dtypes = {dtype},
                     .batch_inputs = {0}});
    }
  }
  for (DType dtype : {DType::kI32, DType::kI64}) {
    all.push_back({.op = "Neg",
                   .name = std::string(ToString(dtype)),
                   .inputs = {Integers({2, 3}, -5, 5, dtype)},
                   .outputs = {{2, 3}},
                   .dtypes = {dtype},
                   .batch_inputs = {0}});
  }
  return all;
}

}  // namespace weft
