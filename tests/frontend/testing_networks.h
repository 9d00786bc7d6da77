#ifndef WEFT_TESTS_FRONTEND_TESTING_NETWORKS_H_
#define WEFT_TESTS_FRONTEND_TESTING_NETWORKS_H_

#include <functional>
#include <string>
#include <vector>

#include "testing_exporter.h"

namespace weft {

// A small network of a kind that people import, of the same weights in every opset.
struct ExportedNetwork {
  std::string name;
  std::function<void(Exporter&)> write;  // its only input is x
  std::vector<Dims> sizes;               // what it is run with
  int dynamic_since = 9;                 // the opset before which sizes but the batch are fixed
};

const std::vector<ExportedNetwork>& ExportedNetworks();

inline constexpr int kExportedOpsets[] = {7, 9, 11, 13, 17, 18, 20, 21, 22};

OnnxMaker WriteNetwork(const ExportedNetwork& network, int opset);

// The sizes that the network of an opset takes; fixed ones are those of the first.
std::vector<Dims> SizesFor(const ExportedNetwork& network, int opset);

}  // namespace weft

#endif  // WEFT_TESTS_FRONTEND_TESTING_NETWORKS_H_
