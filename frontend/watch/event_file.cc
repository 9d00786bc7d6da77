#include "frontend/watch/event_file.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <system_error>

#include "frontend/io/png.h"
#include "proto/tensorboard.pb.h"

namespace weft {
namespace {

constexpr std::array<uint32_t, 256> Crc32cTable() {
  constexpr uint32_t kReversedPolynomial = 0x82f63b78;
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < table.size(); ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) * kReversedPolynomial);
    table[byte] = crc;
  }
  return table;
}

template <typename T>
std::string RecordWord(T value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(T); ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}

double SecondsSince1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Whether a folder has event files already.
bool HasEventFiles(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().filename().string().find("tfevents") != std::string::npos) return true;
  }
  return false;
}

std::string EventHostName() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "localhost";
}

tensorboard::HistogramProto HistogramOf(const Distribution& values) {
  tensorboard::HistogramProto h;
  if (values.is_empty()) return h;
  h.set_num(values.num());
  h.set_sum(values.sum());
  h.set_sum_squares(values.sum_squares());
  h.set_min(values.low());
  h.set_max(values.high());
  for (int i = 0; i < values.buckets(); ++i) {
    h.add_bucket_limit(
        std::lerp(values.low(), values.high(), static_cast<double>(i + 1) / values.buckets()));
    h.add_bucket(values.count(i));
  }
  return h;
}

std::string ScopedName(std::string name) {
  std::replace(name.begin(), name.end(), '.', '/');
  return name;
}

void AddShapes(const Node& node, tensorboard::NodeDef* def) {
  tensorboard::AttrEntry* entry = def->add_attr();
  entry->set_key("_output_shapes");
  auto* list = entry->mutable_value()->mutable_list();
  for (int i = 0; i < node.num_outputs(); ++i) {
    tensorboard::TensorShapeProto* shape = list->add_shape();
    for (const Dim& dim : node.type(i).shape) {
      shape->add_dim()->set_size(dim.is_static() ? dim.coefficient() : -1);
    }
  }
}

tensorboard::NodeDef NodeDefOf(const Node& node) {
  tensorboard::NodeDef def;
  def.set_name(ScopedName(node.name()));
  def.set_op(std::string(node.op_name()));
  for (const Value& input : node.inputs()) {
    if (input.null()) continue;
    const std::string name = ScopedName(input.node->name());
    def.add_input(input.index == 0 ? name : absl::StrCat(name, ":", input.index));
  }
  AddShapes(node, &def);
  for (const auto& [key, attribute] : node.attributes()) {
    if (attribute.kind() == Attribute::Kind::kTensor) continue;  // weights
    tensorboard::AttrEntry* entry = def.add_attr();
    entry->set_key(key);
    entry->mutable_value()->set_s(attribute.ToString());
  }
  return def;
}

}  // namespace

void Distribution::Widen(const Tensor& values) {
  for (int64_t i = 0; i < values.size(); ++i) {
    const double v = values.At(i);
    if (!std::isfinite(v)) continue;
    low_ = std::min(low_, v);
    high_ = std::max(high_, v);
  }
}

void Distribution::Count(const Tensor& values) {
  for (int64_t i = 0; i < values.size(); ++i) {
    const double v = values.At(i);
    if (!std::isfinite(v)) continue;
    // By halves, as the span of two numbers of f64 may be infinite.
    const double part = low_ == high_ ? 0 : (v / 2 - low_ / 2) / (high_ / 2 - low_ / 2);
    const int bucket = std::isfinite(part) ? static_cast<int>(part * buckets()) : 0;
    ++counts_[static_cast<size_t>(std::clamp(bucket, 0, buckets() - 1))];
    num_ += 1;
    sum_ += v;
    sum_squares_ += v * v;
  }
}

uint32_t MaskedCrc32c(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = Crc32cTable();
  uint32_t crc = ~uint32_t{0};
  for (const char c : bytes) crc = kTable[(crc ^ static_cast<uint8_t>(c)) & 0xff] ^ (crc >> 8);
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
}

template <typename Event>
absl::Status EventFile::Append(Event event) {
  event.set_wall_time(SecondsSince1970());
  const std::string bytes = event.SerializeAsString();
  const std::string length = RecordWord(static_cast<uint64_t>(bytes.size()));
  const std::string record = absl::StrCat(length, RecordWord(MaskedCrc32c(length)), bytes,
                                          RecordWord(MaskedCrc32c(bytes)));
  return Annotate(file_->Append(std::as_bytes(std::span(record))), path_);
}

absl::StatusOr<std::unique_ptr<EventFile>> EventFile::Create(const std::string& folder,
                                                             int64_t step) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat(folder, ": cannot make this folder: ", error.message()));
  }
  const bool goes_on = step > 0 || HasEventFiles(folder);
  // TensorBoard reads files in the order of their names.
  const std::string stem =
      absl::StrCat(folder, "/events.out.tfevents.", static_cast<int64_t>(SecondsSince1970()), ".",
                   EventHostName(), ".", getpid());
  for (int number = 0;; ++number) {
    const std::string path = absl::StrCat(stem, ".", number);
    auto file = PosixFileSystem().Create(path);
    if (file.status().code() == absl::StatusCode::kAlreadyExists) continue;
    WEFT_RETURN_IF_ERROR(file.status());
    std::unique_ptr<EventFile> result(new EventFile(path, *std::move(file)));
    tensorboard::Event version, start;
    version.set_file_version("brain.Event:2");
    WEFT_RETURN_IF_ERROR(result->Append(version));
    start.set_step(step + 1);
    start.mutable_session_log()->set_status(tensorboard::SessionLog::START);
    if (goes_on) WEFT_RETURN_IF_ERROR(result->Append(start));
    return result;
  }
}

absl::Status EventFile::AddScalars(std::span<const NamedMetric> scalars, int64_t step) {
  tensorboard::Event event;
  event.set_step(step);
  for (const NamedMetric& scalar : scalars) {
    tensorboard::Summary::Value* value = event.mutable_summary()->add_value();
    value->set_tag(scalar.name);
    value->set_simple_value(static_cast<float>(scalar.value));
  }
  return Append(event);
}

absl::Status EventFile::AddHistogram(std::string_view tag, const Tensor& values, int64_t step) {
  Distribution distribution;
  distribution.Widen(values);
  distribution.Count(values);
  return AddHistogram(tag, distribution, step);
}

absl::Status EventFile::AddHistogram(std::string_view tag, const Distribution& values,
                                     int64_t step) {
  tensorboard::Event event;
  event.set_step(step);
  tensorboard::Summary::Value* value = event.mutable_summary()->add_value();
  value->set_tag(std::string(tag));
  *value->mutable_histo() = HistogramOf(values);
  return Append(event);
}

absl::Status EventFile::AddPicture(std::string_view tag, const Picture& picture, int64_t step) {
  tensorboard::Event event;
  event.set_step(step);
  tensorboard::Summary::Value* value = event.mutable_summary()->add_value();
  value->set_tag(std::string(tag));
  tensorboard::Summary::Image* image = value->mutable_image();
  image->set_height(static_cast<int32_t>(picture.height));
  image->set_width(static_cast<int32_t>(picture.width));
  image->set_colorspace(static_cast<int32_t>(picture.channels));
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> png, EncodePng(picture));
  image->set_encoded_image_string(png.data(), png.size());
  return Append(event);
}

absl::Status EventFile::AddGraph(const Graph& graph) {
  tensorboard::GraphDef def;
  for (const Node& node : graph.nodes()) *def.add_node() = NodeDefOf(node);
  def.mutable_versions()->set_producer(1);
  tensorboard::Event event;
  event.set_graph_def(def.SerializeAsString());
  return Append(event);
}

}  // namespace weft
