#include "graph/file/serialize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "graph/file/serialize_internal.h"
#include "graph/text.h"
#include "tests/graph/testing_ops.h"

namespace weft {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

absl::StatusOr<Model> Parse(std::string_view bytes) { return ParseModel(bytes, TestOps(), "f"); }

// Everything that a model holds, bit by bit, as text.
void ExpectSame(const Model& a, const Model& b) {
  EXPECT_EQ(ToText(a.graph), ToText(b.graph));
  EXPECT_EQ(a.preprocessing, b.preprocessing);
  EXPECT_EQ(a.class_names, b.class_names);
  EXPECT_EQ(a.metadata, b.metadata);
  ASSERT_EQ(a.training.has_value(), b.training.has_value());
  if (a.training) {
    EXPECT_EQ(a.training->step, b.training->step);
    EXPECT_EQ(a.training->epoch, b.training->epoch);
    EXPECT_EQ(a.training->seed, b.training->seed);
    EXPECT_EQ(a.training->threads, b.training->threads);
    EXPECT_EQ(a.training->config, b.training->config);
    EXPECT_EQ(a.training->slots, b.training->slots);
    EXPECT_EQ(a.training->kernel_choices, b.training->kernel_choices);
  }
  ASSERT_EQ(a.graph.size(), b.graph.size());
  for (auto i = a.graph.nodes().begin(), k = b.graph.nodes().begin(); i != a.graph.nodes().end();
       ++i, ++k) {
    EXPECT_EQ(i->name(), k->name());
    EXPECT_EQ(i->attributes(), k->attributes()) << i->name();
    EXPECT_EQ(i->provenance(), k->provenance()) << i->name();
  }
}

// A temporary file of one test.
class ModelFile {
 public:
  ModelFile() {
    std::string name = (fs::temp_directory_path() / "weft-test-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    path = (folder_ / "m.weft").string();
  }
  ~ModelFile() { fs::remove_all(folder_); }
  std::string Read() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string path;

 private:
  fs::path folder_;
};

TEST(SerializeTest, AModelSurvivesAFile) {
  const Model model = SampleModel();
  const ModelFile file;
  ASSERT_TRUE(SaveModel(model, file.path).ok());
  const absl::StatusOr<Model> loaded = LoadModel(file.path, TestOps());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ExpectSame(model, *loaded);
  EXPECT_TRUE(loaded->graph.Verify().ok());
}

TEST(SerializeTest, AnEmptyModelSurvives) {
  const Model model{Graph(TestOps())};
  const absl::StatusOr<Model> loaded = Parse(SerializeModel(model));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ExpectSame(model, *loaded);
}

TEST(SerializeTest, BytesDependOnValuesOnly) {
  const std::string bytes = SerializeModel(SampleModel());
  EXPECT_EQ(bytes, SerializeModel(SampleModel()));
  const ModelFile file;
  ASSERT_TRUE(SaveModel(SampleModel(), file.path).ok());
  EXPECT_EQ(file.Read(), bytes);
  EXPECT_EQ(SerializeModel(*LoadModel(file.path, TestOps())), bytes);
  EXPECT_EQ(SerializeModel(*ModelFromProtoText(ModelToProtoText(SampleModel()), TestOps())), bytes);
}

TEST(SerializeTest, AModelSurvivesText) {
  const std::string text = ModelToProtoText(SampleModel());
  EXPECT_THAT(text, StartsWith("format_version: 1\nmodel {\n  graph {\n    nodes {\n"));
  const absl::StatusOr<Model> loaded = ModelFromProtoText(text, TestOps());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ExpectSame(SampleModel(), *loaded);
  EXPECT_EQ(ModelToProtoText(*loaded), text);
}

TEST(SerializeTest, TextKeepsEveryBitOfEveryDType) {
  Graph g(TestOps());
  const auto add = [&](Tensor t) { g.AddConstant("c", std::move(t)).value(); };
  add(F32({7}, {0.1f, -0.0f, 1e-45f, 3.4028235e38f, INFINITY, NAN, 16777217.0f}));
  add(F32({2}, {std::nanf("7"), -1}));  // only raw bytes can say this NaN
  const std::vector<double> doubles = {0.1, -5e-324, 1.7976931348623157e308, -INFINITY, NAN};
  add(Tensor::FromValues<double>({5}, doubles).value());
  add(Tensor::FromInts(std::vector<int64_t>{INT64_MIN, -1, INT64_MAX}));
  add(Tensor::FromValues<int32_t>({1}, std::vector<int32_t>{INT32_MIN}).value());
  add(Tensor::FromValues<uint8_t>({2}, std::vector<uint8_t>{0, 255}).value());
  const std::array<std::byte, 4> halves = {std::byte{1}, std::byte{0}, std::byte{255},
                                           std::byte{3}};
  add(Tensor::FromBytes(DType::kBF16, {2}, halves).value());
  add(Tensor::FromBytes(DType::kI8, {2, 2}, halves).value());
  add(Tensor::Zeros(DType::kF16, {0}).value());
  add(Tensor::FromBytes(DType::kF16, {2}, halves).value());
  add(Tensor::FromValues<int16_t>({2}, std::vector<int16_t>{INT16_MIN, 7}).value());
  add(Tensor::FromValues<uint16_t>({2}, std::vector<uint16_t>{0, 65535}).value());
  add(Tensor::FromValues<uint32_t>({2}, std::vector<uint32_t>{7, UINT32_MAX}).value());
  add(Tensor::FromValues<uint64_t>({2}, std::vector<uint64_t>{7, UINT64_MAX}).value());
  const Model model(std::move(g));
  for (const auto& loaded :
       {ModelFromProtoText(ModelToProtoText(model), TestOps()), Parse(SerializeModel(model))}) {
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    ExpectSame(model, *loaded);
  }
}

TEST(SerializeTest, TheWholeFileIsAProtobufMessage) {
  const std::string bytes = SerializeModel(SampleModel());
  proto::File file;
  ASSERT_TRUE(file.ParseFromString(bytes));
  EXPECT_EQ(file.format_version(), 1u);
  EXPECT_EQ(file.file_size(), bytes.size());
  EXPECT_EQ(file.model().graph().nodes(0).name(), "x");
  // The tensors with bytes: w, the zeros of mean and both slots, mask, AllKinds.tensor.
  ASSERT_EQ(file.data_size(), 4);
  EXPECT_EQ(file.data(0).substr(0, 4), std::string("\0\0\x80\x3f", 4));  // 1.0f
  EXPECT_EQ(file.GetReflection()->GetUnknownFields(file).field_count(), 0);
}

TEST(SerializeTest, TensorsAreAlignedAndEqualOnesStoredOnce) {
  const std::string bytes = SerializeModel(SampleModel());
  proto::File file;
  ASSERT_TRUE(file.ParseFromString(bytes));
  std::vector<std::string> dims;
  for (const proto::Tensor& t : file.model().tensors()) {
    EXPECT_EQ(t.offset() % 64, 0u);
    EXPECT_EQ(t.offset() == 0, t.length() == 0);
    dims.push_back(ToString(std::vector<int64_t>(t.dims().begin(), t.dims().end())));
  }
  EXPECT_THAT(dims, testing::ElementsAre("[4]", "[4]", "[0,3]", "[3]", "[2]"));
  const Model loaded = Parse(bytes).value();
  EXPECT_EQ(LeafValue(*loaded.graph.Find("mean")).data(),
            loaded.training->slots.at("w/momentum").data());
}

TEST(SerializeTest, WeightsAreMappedNotCopiedAndOutliveTheModel) {
  const ModelFile file;
  ASSERT_TRUE(SaveModel(SampleModel(), file.path).ok());
  Tensor w;
  {
    const Model loaded = LoadModel(file.path, TestOps()).value();
    w = LeafValue(*loaded.graph.Find("w"));
  }
  // /proc/self/maps names the file behind every address.
  std::ifstream maps("/proc/self/maps");
  const auto address = reinterpret_cast<uintptr_t>(w.data());
  std::string behind;
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0, end = 0;
    ASSERT_EQ(std::sscanf(line.c_str(), "%lx-%lx", &begin, &end), 2);
    if (begin <= address && address < end) behind = line;
  }
  EXPECT_THAT(behind, HasSubstr(file.path));
  EXPECT_EQ(address % 64, 0u);
  // Replacing the file leaves the mapped one alone; writing makes a private copy.
  ASSERT_TRUE(SaveModel(Model(Graph(TestOps())), file.path).ok());
  EXPECT_EQ(w.At(1), -2);
  w.mutable_values<float>()[1] = 5;
  EXPECT_EQ(w.At(1), 5);
}

TEST(SerializeTest, FlippingAnyBitIsAnErrorThatNamesTheFile) {
  const std::string good = SerializeModel(SampleModel());
  std::string bytes = good;
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 9; ++bit) {
      bytes[i] = static_cast<char>(bit == 8 ? ~good[i] : good[i] ^ (1 << bit));
      const absl::StatusOr<Model> model = Parse(bytes);
      ASSERT_FALSE(model.ok()) << "byte " << i << ", bit " << bit;
      ASSERT_THAT(std::string(model.status().message()), StartsWith("f: "));
    }
    bytes[i] = good[i];
  }
  EXPECT_TRUE(Parse(bytes).ok());
}

TEST(SerializeTest, CuttingAtAnyLengthIsAnErrorThatNamesTheFile) {
  const std::string good = SerializeModel(SampleModel());
  for (size_t n = 0; n < good.size(); ++n) {
    const absl::StatusOr<Model> model = Parse(good.substr(0, n));
    ASSERT_FALSE(model.ok()) << n;
    ASSERT_THAT(std::string(model.status().message()), StartsWith("f: "));
  }
  EXPECT_FALSE(Parse(good + '\0').ok());
  EXPECT_FALSE(Parse(good + good).ok());
}

TEST(SerializeTest, DamagedFilesOnDiskAreRefusedByName) {
  const ModelFile file;
  ASSERT_TRUE(SaveModel(SampleModel(), file.path).ok());
  fs::resize_file(file.path, 1000);
  const absl::Status cut = LoadModel(file.path, TestOps()).status();
  EXPECT_THAT(std::string(cut.message()), StartsWith(file.path + ": expected "));
  EXPECT_THAT(std::string(cut.message()), HasSubstr("the file has 1000 (truncated)"));
  fs::resize_file(file.path, 0);
  EXPECT_EQ(LoadModel(file.path, TestOps()).status().message(), file.path + ": the file is empty");
  fs::remove(file.path);
  EXPECT_THAT(std::string(LoadModel(file.path, TestOps()).status().message()),
              StartsWith(file.path + ": cannot open: No such file"));
}

TEST(SerializeTest, ADeepGraphLoadsWithoutRecursion) {
  Graph g(TestOps());
  Value v = g.AddInput("x", F32Type({N()})).value();
  for (int i = 0; i < 20000; ++i) {
    v = g.AddNode({.op = "Relu", .name = absl::StrCat("n", i), .inputs = {v}}).value()->output(0);
  }
  ASSERT_TRUE(g.AddOutput("y", v).ok());
  const Model model(std::move(g));
  const absl::StatusOr<Model> loaded = Parse(SerializeModel(model));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->graph.size(), 20001);
  const absl::StatusOr<Model> from_text = ModelFromProtoText(ModelToProtoText(model), TestOps());
  ASSERT_TRUE(from_text.ok()) << from_text.status();
  EXPECT_EQ(SerializeModel(*from_text), SerializeModel(model));
}

TEST(SerializeTest, WhatNoReaderWouldTakeIsNotWritten) {
  const ModelFile file;
  const auto refused = [&](const Model& model) {
    EXPECT_EQ(SerializeModel(model), "");
    const absl::Status status = SaveModel(model, file.path);
    EXPECT_FALSE(fs::exists(file.path));
    return std::string(status.message());
  };
  Model bad_text = SampleModel();
  bad_text.class_names[0] = "caf\xe9";
  EXPECT_EQ(refused(bad_text), file.path + ": a name or text in it is not UTF-8");
  Model bad_name = SampleModel();
  bad_name.graph.AddInput("\xff", F32Type({1})).value();
  EXPECT_THAT(refused(bad_name), HasSubstr("(Input): a name or text in it is not UTF-8"));
  Model bad_size = SampleModel();
  bad_size.preprocessing->std[1] = 0;
  EXPECT_THAT(refused(bad_size), HasSubstr("preprocessing: a deviation of 0"));
  Model bad_step = SampleModel();
  bad_step.training->step = -1;
  EXPECT_THAT(refused(bad_step), HasSubstr("training state: negative step (-1)"));
  Model bad_slot = SampleModel();
  bad_slot.training->slots.emplace("z", Tensor());
  EXPECT_THAT(refused(bad_slot), HasSubstr("empty tensor"));
  Model bad_symbol = SampleModel();
  bad_symbol.graph.AddInput("nameless", {DType::kF32, {Dim::Symbol("")}}).value();
  EXPECT_THAT(refused(bad_symbol), HasSubstr("nameless (Input): symbol without a name"));
}

TEST(SerializeTest, Utf8OfEveryLengthSurvives) {
  Model model{Graph(TestOps())};
  model.class_names = {"$", "\xC2\xA2", "\xE2\x82\xAC", "\xF0\x90\x8D\x88", "\xF4\x8F\xBF\xBF"};
  EXPECT_EQ(Parse(SerializeModel(model))->class_names, model.class_names);
  for (const char* bad : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                          "\xF0\x90", "\x80", "\xF8\x88\x80\x80\x80"}) {
    model.class_names = {bad};
    EXPECT_EQ(SerializeModel(model), "");
  }
}

}  // namespace
}  // namespace weft
