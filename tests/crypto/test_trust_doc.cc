// docs/trust.md says how to make production keys. These tests do as it says.
#include "fs/io/process.h"
#include "tests/crypto/pki.h"

namespace veneer::crypto {
namespace {

using test::Pki;

const std::string kManifest = "{\"schema\": 1}\n";

// The shell commands of the page, block by block.
std::vector<std::string> CommandsOfPage() {
  const auto page = io::ReadWholeFile(VENEER_DOCS "/trust.md", 1 << 20);
  REQUIRE_OK(page);
  const std::string_view text = AsText(*page);
  constexpr std::string_view kBegin = "\n```sh\n";
  constexpr std::string_view kEnd = "\n```\n";
  std::vector<std::string> blocks;
  for (size_t at = text.find(kBegin); at != std::string_view::npos; at = text.find(kBegin, at)) {
    at += kBegin.size();
    const size_t end = text.find(kEnd, at);
    REQUIRE(end != std::string_view::npos);
    blocks.emplace_back(text.substr(at, end - at));
  }
  return blocks;
}

void Run(const Pki& pki, const std::string& commands) {
  REQUIRE_OK(io::RunProgram({"sh", "-euc", "cd \"$1\"\n" + commands, "sh", pki / "."}));
}

Result<CmsContent> Verify(const Pki& pki, ByteSpan der) {
  const auto trust = TrustStore::Load(pki / "trust");
  REQUIRE_OK(trust);
  return CmsVerify(der, **trust, Role::kPatch, TimeCheck::At(::time(nullptr)));
}

}  // namespace

TEST_CASE("the commands of docs/trust.md make what veneer accepts, and revoke it", "[trust_doc]") {
  const std::vector<std::string> blocks = CommandsOfPage();
  REQUIRE(blocks.size() == 4);
  const Pki pki;
  Run(pki, blocks[0]);
  pki.Write("manifest.json", AsBytes(kManifest));
  Run(pki, blocks[1]);
  const Bytes by_openssl = pki.Read("manifest.cms");
  const auto by_veneer = CmsSign(AsBytes(kManifest), pki.LoadAll({"alice"}));
  REQUIRE_OK(by_veneer);
  for (const Bytes& der : {by_openssl, *by_veneer}) {
    const auto verified = Verify(pki, der);
    REQUIRE_OK(verified);
    CHECK(AsText(verified->content) == kManifest);
    CHECK(verified->signers.at(0).subject == "CN=Alice,O=Example");
  }
  Run(pki, blocks[2]);
  const auto both = Verify(pki, pki.Read("both.cms"));
  REQUIRE_OK(both);
  CHECK(both->signers.size() == 2);
  Run(pki, blocks[3]);
  REQUIRE_FAILS(ErrorCode::kRevoked, Verify(pki, by_openssl));
  REQUIRE_FAILS(ErrorCode::kRevoked, Verify(pki, *by_veneer));
}

}  // namespace veneer::crypto
