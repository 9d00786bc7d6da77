#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_join.h"
#include "frontend/build/builder.h"
#include "frontend/data/memory.h"
#include "frontend/data/open.h"
#include "frontend/watch/log.h"
#include "proto/tensorboard.pb.h"
#include "testing_files.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Model TinyNet() {
  Builder b;
  const Value x = b.Input("x", {"N", 1, 28, 28});
  b.Output("logits", b.Linear(b.Flatten(x), {.features = 10, .name = "fc"}));
  return *b.Build();
}

std::unique_ptr<Trainer> TinyTrainer() { return *Trainer::Create(TinyNet(), {.threads = 1}); }

uint32_t Word(std::string_view bytes, size_t at) {
  uint32_t word = 0;
  std::memcpy(&word, bytes.data() + at, sizeof(word));
  return word;
}

// The events of a file, every checksum verified.
std::vector<tensorboard::Event> ReadEvents(const std::string& path) {
  const std::string bytes = ReadText(path);
  std::vector<tensorboard::Event> events;
  for (size_t at = 0; at < bytes.size();) {
    const std::string length = bytes.substr(at, 8);
    const size_t size = Word(length, 0);
    EXPECT_EQ(Word(length, 4), 0u);
    EXPECT_EQ(Word(bytes, at + 8), MaskedCrc32c(length));
    const std::string data = bytes.substr(at + 12, size);
    EXPECT_EQ(Word(bytes, at + 12 + size), MaskedCrc32c(data));
    EXPECT_TRUE(events.emplace_back().ParseFromString(data));
    at += 16 + size;
  }
  return events;
}

// All events of a folder's files, in the order of their names.
std::vector<tensorboard::Event> EventsIn(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    EXPECT_THAT(entry.path().filename().string(), StartsWith("events.out.tfevents."));
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<tensorboard::Event> events;
  for (const std::string& path : paths) {
    for (tensorboard::Event& event : ReadEvents(path)) events.push_back(std::move(event));
  }
  return events;
}

uint32_t Unmasked(uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8;
  return (rotated >> 17) | (rotated << 15);
}

TEST(EventFile, ChecksumsAreThePublishedOnes) {
  EXPECT_EQ(Unmasked(MaskedCrc32c("123456789")), 0xe3069283u);
  EXPECT_EQ(Unmasked(MaskedCrc32c(std::string(32, '\0'))), 0x8a9136aau);    // RFC 3720, B.4
  EXPECT_EQ(Unmasked(MaskedCrc32c(std::string(32, '\xff'))), 0x62a8ab43u);  // likewise
}

TEST(EventFile, BeginsAsTensorFlowsDo) {
  const auto file = EventFile::Create(TestFolder() + "/new/logs", 0);
  ASSERT_TRUE(file.ok()) << file.status();
  const std::string bytes = ReadText((*file)->path());
  // 24 bytes follow: the time (tag 0x09), and the version.
  EXPECT_EQ(bytes.substr(0, 13), std::string("\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22\x09", 13));
  EXPECT_EQ(bytes.substr(21, 15),
            "\x1a\x0d"
            "brain.Event:2");
  EXPECT_EQ(bytes.size(), 40u);
}

TEST(EventFile, CountsFiniteNumbersInHistograms) {
  const auto file = EventFile::Create(TestFolder(), 0);
  const std::vector<float> values = {-1, 0, 0, 2, NAN, INFINITY};
  const Tensor tensor = *Tensor::FromValues<float>({6}, values);
  ASSERT_TRUE((*file)->AddHistogram("w", tensor, 3).ok());
  ASSERT_TRUE((*file)->AddHistogram("same", Tensor::FromInts(std::vector<int64_t>{4, 4}), 3).ok());
  const auto events = ReadEvents((*file)->path());
  ASSERT_EQ(events.size(), 3u);
  const tensorboard::HistogramProto& h = events[1].summary().value(0).histo();
  EXPECT_EQ(events[1].step(), 3);
  EXPECT_EQ(h.min(), -1);
  EXPECT_EQ(h.max(), 2);
  EXPECT_EQ(h.num(), 4);
  EXPECT_EQ(h.sum(), 1);
  EXPECT_EQ(h.sum_squares(), 5);
  ASSERT_EQ(h.bucket_size(), Distribution::kBuckets);
  EXPECT_EQ(h.bucket(0), 1);
  EXPECT_EQ(h.bucket(10), 2);  // 0 is at a third
  EXPECT_EQ(h.bucket(29), 1);
  EXPECT_NEAR(h.bucket_limit(10), 0.1, 1e-12);
  EXPECT_EQ(h.bucket_limit(29), 2);
  EXPECT_EQ(events[2].summary().value(0).histo().bucket_size(), 1);
  EXPECT_EQ(events[2].summary().value(0).histo().bucket(0), 2);
}

TEST(EventFile, CountsNumbersOfAnInfiniteSpan) {
  const auto file = EventFile::Create(TestFolder(), 0);
  const std::vector<double> values = {-1.7e308, 0, 1.7e308};
  ASSERT_TRUE((*file)->AddHistogram("w", *Tensor::FromValues<double>({3}, values), 0).ok());
  const tensorboard::HistogramProto h = ReadEvents((*file)->path())[1].summary().value(0).histo();
  EXPECT_EQ(h.bucket(0), 1);
  EXPECT_EQ(h.bucket(15), 1);
  EXPECT_EQ(h.bucket(29), 1);
  EXPECT_EQ(h.bucket_limit(29), 1.7e308);
}

TEST(EventFile, ATrainingFromTheBeginningVoidsWhatTheFolderHas) {
  const std::string folder = TestFolder();
  ASSERT_TRUE(EventFile::Create(folder, 0).ok());
  const auto file = EventFile::Create(folder, 0);
  ASSERT_TRUE(file.ok()) << file.status();
  const auto events = ReadEvents((*file)->path());
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].step(), 1);
  EXPECT_EQ(events[1].session_log().status(), tensorboard::SessionLog::START);
}

TEST(EventFile, GraphHasNodesWithScopesAndShapes) {
  const auto file = EventFile::Create(TestFolder(), 0);
  const Model model = TinyNet();
  ASSERT_TRUE((*file)->AddGraph(model.graph).ok());
  tensorboard::GraphDef graph;
  ASSERT_TRUE(graph.ParseFromString(ReadEvents((*file)->path())[1].graph_def()));
  ASSERT_EQ(graph.node_size(), model.graph.size());
  EXPECT_EQ(graph.node(0).name(), "x");
  EXPECT_EQ(graph.node(0).op(), "Input");
  const auto& shape = graph.node(0).attr(0);
  EXPECT_EQ(shape.key(), "_output_shapes");
  EXPECT_EQ(shape.value().list().shape(0).dim(0).size(), -1);
  EXPECT_EQ(shape.value().list().shape(0).dim(3).size(), 28);
  bool scoped = false;
  for (const auto& node : graph.node()) {
    for (const std::string& input : node.input()) scoped = scoped || input == "fc/weight";
  }
  EXPECT_TRUE(scoped);
}

const std::vector<std::string> kNames = {"step", "loss"};

absl::Status AddPair(LogTable& table, int64_t step, double loss) {
  const std::vector<std::string> cells = {absl::StrCat(step), NumberText(loss)};
  return table.Append(cells);
}

TEST(LogTable, GoesOnWithoutRepeatingRows) {
  const std::string path = TestFolder() + "/log.csv";
  {
    const auto table = LogTable::Open(path, kNames, 0);
    ASSERT_TRUE(table.ok()) << table.status();
    for (int64_t step = 1; step <= 4; ++step) ASSERT_TRUE(AddPair(**table, step, 0.5).ok());
  }
  WriteText(path, ReadText(path) + "5,0.");  // a writer that was killed
  const auto table = LogTable::Open(path, kNames, 2);
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_TRUE(AddPair(**table, 3, 0.1).ok());
  EXPECT_EQ(ReadText(path), "step,loss\n1,0.5\n2,0.5\n3,0.1\n");
  EXPECT_THAT(MessageOf(LogTable::Open(path, {"step", "accuracy"}, 2).status()),
              HasSubstr("other columns"));
  ASSERT_TRUE(LogTable::Open(path, kNames, 0).ok());  // begins anew
  EXPECT_EQ(ReadText(path), "step,loss\n");
}

TEST(LogTable, SaysWhereItCannotWrite) {
  EXPECT_THAT(MessageOf(LogTable::Open(TestFolder() + "/none/log.csv", kNames, 0).status()),
              HasSubstr("none/log.csv"));
}

TEST(NumberTable, HasNumbersAndGaps) {
  const std::string path = TestFolder() + "/a.csv";
  WriteText(path, "a, b\r\n1, 2.5e-3 \r\nx,\r\n7\r\n3,inf");
  const auto table = ReadNumberTable(path);
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_EQ(table->rows.size(), 2u);  // "7" is short of a cell, "3,inf" of its end
  EXPECT_EQ(table->Numbers(1)[0], 0.0025);
  EXPECT_TRUE(std::isnan(table->Numbers(1)[1]));
  EXPECT_EQ(table->Column("b"), 1);
  EXPECT_EQ(table->Column("c"), -1);
  WriteText(path, "");
  EXPECT_THAT(MessageOf(ReadNumberTable(path).status()), HasSubstr("column names"));
}

LogOptions OptionsIn(const std::string& folder) {
  return {.log = folder + "/log.csv",
          .tensorboard = folder + "/board",
          .log_every = 2,
          .log_histograms = true};
}

TEST(TrainingLog, HasRowsOfStepsAndOfEpochs) {
  const std::string folder = TestFolder();
  const auto trainer = TinyTrainer();
  const auto train = *OpenDataset("digits:200", Split::kTrain);
  const auto test = *OpenDataset("digits:200", Split::kTest);
  const auto log = TrainingLog::Create(OptionsIn(folder), *trainer, train.get());
  ASSERT_TRUE(log.ok()) << log.status();
  const FitCallbacks callbacks = {
      .on_step = [&](const StepProgress& p) { EXPECT_TRUE((*log)->OnStep(p).ok()); },
      .on_epoch = [&](const EpochSummary& s) { return (*log)->OnEpoch(s); }};
  const auto fit = Fit(*trainer, train, test, {.epochs = 2, .batch_size = 64}, callbacks);
  ASSERT_TRUE(fit.ok()) << fit.status();
  const auto table = ReadNumberTable(folder + "/log.csv");
  std::vector<std::string> rows;
  for (const auto& row : table->rows) rows.push_back(absl::StrJoin({row[0], row[1], row[2]}, " "));
  EXPECT_THAT(
      rows, ElementsAre("step 1 2", "step 1 4", "epoch 1 4", "step 2 6", "step 2 8", "epoch 2 8"));
  const auto last = [&](const std::string& name) {
    return table->Numbers(table->Column(name)).back();
  };
  EXPECT_EQ(last("test_accuracy"), fit->test->accuracy());
  EXPECT_EQ(last("test_loss"), fit->test->loss());
  EXPECT_GT(last("test_auc"), 0.5);
  EXPECT_TRUE(std::isnan(last("test_miou")));
  EXPECT_EQ(last("learning_rate"), 0.1);
}

TEST(TrainingLog, TensorBoardSeesScalarsHistogramsAndPictures) {
  const std::string folder = TestFolder();
  const auto trainer = TinyTrainer();
  const auto train = *OpenDataset("digits:200", Split::kTrain);
  const auto log = TrainingLog::Create(OptionsIn(folder), *trainer, train.get());
  EpochSummary summary{.epoch = 0, .epochs = 1, .loss = 0.25, .step = 7};
  summary.test.emplace(Evaluation{.count = 2, .correct = 1, .loss_sum = 1});
  summary.test->metrics.confusion.Add(1, 0, 3);
  ASSERT_TRUE((*log)->OnEpoch(summary).ok());
  std::map<std::string, tensorboard::Summary::Value> values;
  for (const auto& event : EventsIn(folder + "/board")) {
    for (const auto& value : event.summary().value()) values[value.tag()] = value;
  }
  EXPECT_EQ(values["epoch/loss"].simple_value(), 0.25f);
  EXPECT_EQ(values["epoch/test_accuracy"].simple_value(), 0.5f);
  EXPECT_EQ(values["fc.weight"].histo().num(), 7840);
  EXPECT_EQ(values["examples"].image().width(), 16 * 28);
  EXPECT_EQ(values["examples"].image().height(), 28);
  EXPECT_THAT(values["examples"].image().encoded_image_string(), StartsWith("\x89PNG"));
  EXPECT_EQ(values["test_confusion"].image().colorspace(), 1);
}

// Of every third step, in each of which the gradients are what plain descent takes from the
// weights.
TEST(TrainingLog, TensorBoardSeesGradientsWhereTheyAreAskedFor) {
  const std::string folder = TestFolder();
  const auto trainer = TinyTrainer();
  LogOptions options = OptionsIn(folder);
  options.log_gradients = 3;
  const Tensor x = *Tensor::FromValues<float>({2, 1, 28, 28}, std::vector<float>(2 * 784, 0.5f));
  const Tensor labels = Tensor::FromInts(std::vector<int64_t>{3, 4});
  double low = 0, high = 0;
  {
    const auto log = TrainingLog::Create(options, *trainer);
    ASSERT_TRUE(log.ok()) << log.status();
    for (int64_t step = 1; step <= 7; ++step) {
      const Tensor before = *trainer->Get("fc.bias");
      ASSERT_TRUE(trainer->Step(x, labels, 0.125).ok());
      ASSERT_TRUE((*log)->OnStep({.step = step}).ok());
      if (step != 6) continue;
      const Tensor after = *trainer->Get("fc.bias");
      for (int64_t i = 0; i < before.size(); ++i) {
        low = std::min(low, (before.At(i) - after.At(i)) / 0.125);
        high = std::max(high, (before.At(i) - after.At(i)) / 0.125);
      }
    }
  }
  ASSERT_TRUE(trainer->Step(x, labels, 0.125).ok());  // nobody watches any more
  std::map<std::string, std::vector<int64_t>> steps;
  tensorboard::HistogramProto last;
  for (const auto& event : EventsIn(options.tensorboard)) {
    for (const auto& value : event.summary().value()) {
      if (!value.has_histo()) continue;
      steps[value.tag()].push_back(event.step());
      if (value.tag() == "gradients/fc.bias") last = value.histo();
    }
  }
  EXPECT_THAT(steps, ElementsAre(testing::Pair("gradients/fc.bias", ElementsAre(3, 6)),
                                 testing::Pair("gradients/fc.weight", ElementsAre(3, 6))));
  EXPECT_EQ(last.num(), 10);
  EXPECT_NEAR(last.min(), low, 1e-5);
  EXPECT_NEAR(last.max(), high, 1e-5);
  EXPECT_LT(last.min(), 0);
}

TEST(TrainingLog, OfAResumedTrainingVoidsWhatCameAfter) {
  const std::string folder = TestFolder();
  const auto trainer = TinyTrainer();
  const LogOptions options = OptionsIn(folder);
  {
    const auto log = TrainingLog::Create(options, *trainer);
    for (const int64_t step : {2, 4, 6}) {
      ASSERT_TRUE((*log)->OnStep({.step = step, .step_loss = 1}).ok());
    }
  }
  const Tensor x = *Tensor::Zeros(DType::kF32, {1, 1, 28, 28});
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(trainer->Step(x, Tensor::FromInts(std::vector<int64_t>{3}), 0.1).ok());
  }
  const auto log = TrainingLog::Create(options, *trainer);
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_TRUE((*log)->OnStep({.step = 6, .step_loss = 0.5}).ok());
  const auto table = ReadNumberTable(options.log);
  EXPECT_THAT(table->Numbers(table->Column("step")), ElementsAre(2, 4, 6));
  EXPECT_THAT(table->Numbers(table->Column("loss")), ElementsAre(1, 1, 0.5));
  bool restarted = false;
  for (const auto& event : EventsIn(options.tensorboard)) {
    restarted = restarted || (event.step() == 5 &&
                              event.session_log().status() == tensorboard::SessionLog::START);
  }
  EXPECT_TRUE(restarted);
}

TEST(TrainingLog, IsNothingWithoutFiles) {
  const auto trainer = TinyTrainer();
  const auto log = TrainingLog::Create({}, *trainer);
  ASSERT_TRUE(log.ok());
  EXPECT_TRUE((*log)->OnStep({.step = 10}).ok());
  EXPECT_TRUE((*log)->OnEpoch({}).ok());
  EXPECT_THAT(MessageOf(TrainingLog::Create({.log_every = -1}, *trainer).status()),
              HasSubstr("log_every"));
  EXPECT_THAT(MessageOf(TrainingLog::Create({.log_gradients = -1}, *trainer).status()),
              HasSubstr("log_gradients"));
}

// Of the one linear layer: the scores of the first 64 examples, of mean that a run says.
TEST(TrainingLog, TensorBoardSeesActivationsAfterEachEpoch) {
  const std::string folder = TestFolder();
  const auto trainer = TinyTrainer();
  const auto train = *OpenDataset("digits:200", Split::kTrain);
  const LogOptions options = {.tensorboard = folder, .log_activations = true};
  const auto log = TrainingLog::Create(options, *trainer, train.get());
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_TRUE((*log)->OnEpoch({.epochs = 1, .step = 7}).ok());
  const auto loader = *Loader::Create(train, {.batch_size = 64, .shuffle = false});
  Batch batch;
  ASSERT_TRUE(*loader->Next(&batch));
  const Tensor scores = *trainer->Scores(batch);
  double sum = 0;
  for (int64_t i = 0; i < scores.size(); ++i) sum += scores.At(i);
  int found = 0;
  for (const auto& event : EventsIn(folder)) {
    for (const auto& value : event.summary().value()) {
      if (value.tag() != "activations/fc") continue;
      ++found;
      EXPECT_EQ(event.step(), 7);
      EXPECT_EQ(value.histo().num(), 640);
      EXPECT_NEAR(value.histo().sum(), sum, 1e-3);
    }
  }
  EXPECT_EQ(found, 1);
  EXPECT_THAT(MessageOf(TrainingLog::Create(options, *trainer).status()),
              HasSubstr("log_activations: there are no examples"));
}

TEST(TrainingLog, DistributionsNeedTensorBoard) {
  EXPECT_THAT(MessageOf(CheckLogOptions({.log = "a.csv", .log_gradients = 3})),
              HasSubstr("log_gradients: distributions are written for TensorBoard"));
  EXPECT_THAT(MessageOf(CheckLogOptions({.log_histograms = true})),
              HasSubstr("log_histograms: distributions"));
  EXPECT_THAT(MessageOf(CheckLogOptions({.log_activations = true})),
              HasSubstr("log_activations: distributions"));
  EXPECT_TRUE(CheckLogOptions({.tensorboard = "t", .log_gradients = 3}).ok());
}

}  // namespace
}  // namespace weft
