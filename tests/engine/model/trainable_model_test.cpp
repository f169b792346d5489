#include <gtest/gtest.h>
#include <tiny_models.hpp>

#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/trainable_model.hpp>

namespace verge::model {
namespace {

TEST(TrainableModel, TakesLlamaAndNamesWhatItDoesNotKnow) {
  const test::TemporaryFolder folder;
  const auto check = [&](const std::string& shape) {
    const auto source =
        format::ModelSource::open(test::write_model(folder, test::tiny_spec(shape)));
    EXPECT_TRUE(source) << source.error().message;
    const auto config = nn::read_config(FileFacts(*source));
    EXPECT_TRUE(config);
    const Status status = check_trainable(*source, *config, training_form(*source), "try another");
    return status ? std::string("taken") : status.error().message;
  };
  EXPECT_EQ(check("tiny-llama"), "taken");
  const std::string refused = check("tiny-gemma3");
  EXPECT_NE(refused.find("try another"), std::string::npos) << refused;
}

}  // namespace
}  // namespace verge::model
