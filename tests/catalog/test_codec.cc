#include "fs/catalog/codec.h"

#include <functional>
#include <limits>
#include <random>

#include "fs/catalog/keys.h"
#include "tests/catalog/samples.h"
#include "tests/support/catch.h"

namespace veneer::catalog::testing {
namespace {

TEST_CASE("number keys stand in the order of their numbers") {
  CHECK(NumberKey(0x0102030405060708) == std::string("\1\2\3\4\5\6\7\10", 8));
  CHECK(NumberKey(255) < NumberKey(256));
  CHECK(ParseNumberKey(NumberKey(1)) == 1U);
  CHECK(ParseNumberKey(NumberKey(kMaxNumber)) == kMaxNumber);
  CHECK_FALSE(ParseNumberKey(NumberKey(0)));
  CHECK_FALSE(ParseNumberKey(NumberKey(kMaxNumber + 1)));
  CHECK_FALSE(ParseNumberKey(""));
  CHECK_FALSE(ParseNumberKey(NumberKey(1) + "x"));
}

TEST_CASE("decimal numbers are read strictly") {
  CHECK(ParseDecimal("0", 9) == 0U);
  CHECK(ParseDecimal("65536", 65536) == 65536U);
  CHECK(ParseDecimal("18446744073709551615", std::numeric_limits<uint64_t>::max()) ==
        std::numeric_limits<uint64_t>::max());
  for (const char* text : {"", " 1", "1 ", "+1", "-1", "01", "00", "0x1", "1.0", "1e3", "65537"}) {
    INFO(text);
    CHECK_FALSE(ParseDecimal(text, 65536));
  }
  CHECK_FALSE(ParseDecimal("18446744073709551616", std::numeric_limits<uint64_t>::max()));
  CHECK_FALSE(ParseDecimal(std::string("1\0", 2), 9));
}

TEST_CASE("a layer comes back as it was written") {
  LayerRecord layer = SampleLayer(1, 65535);
  layer.manifest = "{\"name\": \"\xc3\xa4 \\\" \\u0000\"}\n";
  layer.installed_at = std::numeric_limits<int64_t>::min();
  const auto entry = EncodeLayer(layer);
  REQUIRE_OK(entry);
  CHECK(entry->key.size() == 32);
  const auto back = DecodeLayer(entry->key, entry->value);
  REQUIRE_OK(back);
  CHECK(back->id == layer.id);
  CHECK(back->slot == layer.slot);
  CHECK(back->file_name == layer.file_name);
  CHECK(back->manifest == layer.manifest);
  CHECK(back->installed_at == layer.installed_at);
}

TEST_CASE("text that is not UTF-8 can be written and read") {
  Event event = SampleEvent("install");
  event.number = 1;
  event.text = "caf\xe9";
  const auto entry = EncodeEvent(event);
  REQUIRE_OK(entry);
  const auto back = DecodeEvent(entry->key, entry->value);
  REQUIRE_OK(back);
  CHECK(back->text == "caf\xef\xbf\xbd");
}

TEST_CASE("a record that the format does not allow is not written") {
  const std::vector<std::function<void(LayerRecord&)>> layer_faults = {
      [](LayerRecord& layer) { layer.id.pop_back(); },
      [](LayerRecord& layer) { layer.id[0] = 'A'; },
      [](LayerRecord& layer) { layer.id[0] = 'g'; },
      [](LayerRecord& layer) { layer.slot = 0; },
      [](LayerRecord& layer) { layer.file_name = ""; },
      [](LayerRecord& layer) { layer.file_name = "."; },
      [](LayerRecord& layer) { layer.file_name = ".."; },
      [](LayerRecord& layer) { layer.file_name = "../x"; },
      [](LayerRecord& layer) { layer.file_name = "x/"; },
      [](LayerRecord& layer) { layer.file_name = "a\nb"; },
      [](LayerRecord& layer) { layer.file_name = std::string("a\0b", 3); },
      [](LayerRecord& layer) { layer.file_name = std::string(256, 'a'); },
      [](LayerRecord& layer) { layer.manifest = std::string(kMaxValueSize, 'a'); },
  };
  for (const auto& damage : layer_faults) {
    LayerRecord layer = SampleLayer(1, 1);
    REQUIRE_OK(EncodeLayer(layer));
    damage(layer);
    REQUIRE_FAILS(ErrorCode::kUsage, EncodeLayer(layer));
  }
  GenerationRecord generation = SampleGeneration(1);
  generation.effective_root[0] ^= 1;
  REQUIRE_FAILS(ErrorCode::kUsage, EncodeGeneration(generation));
  REQUIRE_FAILS(ErrorCode::kUsage, EncodeGeneration(SampleGeneration(0)));
  REQUIRE_FAILS(ErrorCode::kUsage, EncodeGeneration(SampleGeneration(kMaxNumber + 1)));
  REQUIRE_FAILS(ErrorCode::kUsage, EncodeGeneration(SampleGeneration(1, {})));
  REQUIRE_FAILS(ErrorCode::kUsage, EncodeGeneration(SampleGeneration(1, {SampleId(1), "x"})));
}

// Every value that is one byte away from a good one decodes or is refused; nothing else can happen.
TEST_CASE("decoders live with any bytes") {
  const auto layer = EncodeLayer(SampleLayer(1, 7));
  const auto generation = EncodeGeneration(SampleGeneration(1, {SampleId(1), SampleId(2)}));
  Event sample = SampleEvent("install");
  sample.number = 3;
  const auto event = EncodeEvent(sample);
  std::mt19937 random(1);
  unsigned refused = 0;
  for (const Entry& entry : {*layer, *generation, *event}) {
    for (size_t i = 0; i < entry.value.size(); ++i) {
      std::string value = entry.value;
      value[i] = static_cast<char>(random());
      if (const auto result = DecodeLayer(layer->key, value); !result) {
        CHECK(result.error().code() == ErrorCode::kDamaged);
        ++refused;
      }
      if (const auto result = DecodeGeneration(generation->key, value); !result) ++refused;
      if (const auto result = DecodeEvent(event->key, value.substr(0, i)); !result) ++refused;
    }
  }
  CHECK(refused > 1000);
  REQUIRE_FAILS(ErrorCode::kDamaged, DecodeLayer(layer->key, std::string(1 << 20, '[')));
}

}  // namespace
}  // namespace veneer::catalog::testing
