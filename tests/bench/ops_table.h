#ifndef WEFT_TESTS_BENCH_OPS_TABLE_H_
#define WEFT_TESTS_BENCH_OPS_TABLE_H_

#include <functional>
#include <string>
#include <vector>

#include "frontend/build/builder.h"

namespace weft {

// One layer of the speed table.
struct BenchRow {
  std::string name = {};
  // Adds the inputs and the layer; returns its result.
  std::function<Value(Builder&)> build = {};
  double asked = 5;              // percent of a streaming copy's bytes per second; 0: bound by
  double asked_of_gradient = 5;  // arithmetic, shown as GMAC/s
  bool has_gradient = true;
  bool training = false;       // the forward pass in mode training
  bool reads_x_twice = false;  // as it must: statistics before the result
  double low = -1;             // inputs are in [low, 1)
  double labels = 10;          // integer inputs are in [0, labels)
};

const std::vector<BenchRow>& BenchRows();

}  // namespace weft

#endif  // WEFT_TESTS_BENCH_OPS_TABLE_H_
