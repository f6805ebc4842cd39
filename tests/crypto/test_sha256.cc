#include <atomic>
#include <thread>

#include "fs/crypto/sha256.h"
#include "fs/io/file_ops.h"
#include "fs/io/process.h"
#include "tests/support/catch.h"
#include "tests/support/pattern.h"
#include "tests/support/scratch.h"

namespace veneer::crypto {
namespace {

TEST_CASE("SHA-256 of the examples of FIPS 180") {
  CHECK(ToHex(Sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(ToHex(Sha256(AsBytes("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(ToHex(Sha256(AsBytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(ToHex(Sha256(Bytes(1000000, 'a'))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 equals sha256sum's at lengths around its own blocks") {
  const test::Scratch scratch;
  for (size_t size : std::initializer_list<size_t>{1, 55, 56, 63, 64, 65, 4095, 4096, 4097}) {
    const Bytes bytes = test::Pattern(size, size);
    const std::string path = scratch / std::to_string(size);
    REQUIRE_OK(io::WriteFileAtomically(path, bytes));
    const std::string line = ToHex(Sha256(bytes)) + "  " + path + "\n";
    REQUIRE_OK(io::WriteFileAtomically(path + ".sum", AsBytes(line)));
    REQUIRE_OK(io::RunProgram({"sha256sum", "--check", "--strict", path + ".sum"}));
  }
}

TEST_CASE("a digest over pieces is that over the whole, and the hasher starts anew") {
  const Bytes bytes = test::Pattern(10000);
  Sha256Hasher hasher;
  for (int round = 0; round < 2; ++round) {
    for (size_t at = 0, step = 0; at < bytes.size(); at += step, step = step * 2 + 1) {
      step = std::min(step, bytes.size() - at);
      hasher.Update(ByteSpan(bytes).subspan(at, step));
    }
    CHECK(hasher.Finish() == Sha256(bytes));
  }
  CHECK(hasher.Finish() == Sha256({}));

  hasher.Update(ByteSpan(bytes).first(5000));
  Sha256Hasher moved = std::move(hasher);
  moved.Update(ByteSpan(bytes).subspan(5000));
  CHECK(moved.Finish() == Sha256(bytes));
}

TEST_CASE("threads hash beside each other") {
  const Bytes a = test::Pattern(4096, 1);
  const Bytes b = test::Pattern(4096, 2);
  const Digest digest_a = Sha256(a);
  const Digest digest_b = Sha256(b);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const bool first = (i + t) % 2 == 0;
        if (Sha256(first ? a : b) != (first ? digest_a : digest_b)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace veneer::crypto
