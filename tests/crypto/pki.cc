#include "tests/crypto/pki.h"

#include <filesystem>

#include "fs/io/process.h"

namespace veneer::crypto::test {

Status Pki::OpenSsl(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), "openssl");
  return io::RunProgram(arguments, {"OPENSSL_CONF=/dev/null"});
}

void Pki::MakeKey(const std::string& name, const std::string& kind) {
  const std::string algorithm = kind.substr(0, kind.find(':'));
  const std::string size = kind.substr(std::min(kind.size(), algorithm.size() + 1));
  std::vector<std::string> arguments = {"genpkey", "-algorithm", algorithm, "-out", *this / (name + ".key")};
  if (algorithm == "EC") arguments.insert(arguments.end(), {"-pkeyopt", "ec_paramgen_curve:" + size});
  if (algorithm.starts_with("RSA")) {
    arguments.insert(arguments.end(), {"-pkeyopt", "rsa_keygen_bits:" + size});
  }
  REQUIRE_OK(OpenSsl(arguments));
}

void Pki::Certify(const std::string& name, const std::string& issuer, const std::string& extensions,
                  const std::vector<std::string>& options) {
  const std::string key = *this / (name + ".key");
  const std::string conf =
      "[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=ext\n"
      "[dn]\nO=Veneer test\nCN=" +
      name + "\n[ext]\n" + extensions;
  Write("conf", AsBytes(conf));
  std::vector<std::string> arguments = {"req",     "-x509",
                                        "-config", *this / "conf",
                                        "-days",   std::to_string(kDays),
                                        "-out",    *this / (name + ".pem")};
  if (std::filesystem::exists(key)) {
    arguments.insert(arguments.end(), {"-key", key});
  } else {
    arguments.insert(arguments.end(),
                     {"-newkey", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key});
  }
  if (issuer != name) {
    arguments.insert(arguments.end(),
                     {"-CA", *this / (issuer + ".pem"), "-CAkey", *this / (issuer + ".key")});
  }
  arguments.insert(arguments.end(), options.begin(), options.end());
  REQUIRE_OK(OpenSsl(arguments));
}

void Pki::CertifyAgain(const std::string& name, const std::string& key, const std::string& issuer) {
  std::filesystem::copy_file(*this / (key + ".key"), *this / (name + ".key"));
  Certify(name, issuer, kCodeSigner);
}

void Pki::MakeSimple() {
  Certify("ca", "ca", kAuthority);
  Certify("signer", "ca", kCodeSigner);
}

void Pki::Revoke(const std::string& name, const std::string& issuer, const std::vector<std::string>& revoked,
                 int hours) {
  const std::string conf = "[ca]\ndefault_ca=d\n[d]\ndatabase=" + (*this / (name + ".index")) +
                           "\ncrlnumber=" + (*this / (name + ".number")) +
                           "\ndefault_md=sha256\n[x]\nauthorityKeyIdentifier=keyid\n";
  Write("ca.conf", AsBytes(conf));
  Write(name + ".index", {});
  Write(name + ".number", AsBytes("01\n"));
  const std::vector<std::string> authority = {"ca",
                                              "-config",
                                              *this / "ca.conf",
                                              "-cert",
                                              *this / (issuer + ".pem"),
                                              "-keyfile",
                                              *this / (issuer + ".key")};
  for (const std::string& victim : revoked) {
    std::vector<std::string> arguments = authority;
    arguments.insert(arguments.end(), {"-revoke", *this / (victim + ".pem")});
    REQUIRE_OK(OpenSsl(arguments));
  }
  std::vector<std::string> arguments = authority;
  arguments.insert(arguments.end(), {"-gencrl", "-crlexts", "x", "-crlhours", std::to_string(hours), "-out",
                                     *this / (name + ".pem")});
  REQUIRE_OK(OpenSsl(arguments));
}

std::shared_ptr<const TrustStore> Pki::Trust(const std::map<std::string, std::string>& files,
                                             const std::string& policy) const {
  const std::string path = *this / ("trust" + std::to_string(trust_stores_++));
  REQUIRE_OK(io::MakeFolders(path));
  for (const auto& [place, file] : files) {
    std::filesystem::create_directories(std::filesystem::path(path + "/" + place).parent_path());
    std::filesystem::copy_file(*this / file, path + "/" + place);
  }
  if (!policy.empty()) REQUIRE_OK(io::WriteFileAtomically(path + "/policy.json", AsBytes(policy)));
  const auto trust = TrustStore::Load(path);
  REQUIRE_OK(trust);
  return *trust;
}

void Pki::Bundle(const std::string& file, const std::vector<std::string>& names) const {
  Bytes all;
  for (const std::string& name : names) {
    const Bytes pem = Read(name + ".pem");
    all.insert(all.end(), pem.begin(), pem.end());
  }
  Write(file, all);
}

Signer Pki::Load(const std::string& name) const {
  auto signer = Signer::Load(*this / (name + ".key"), *this / (name + ".pem"));
  REQUIRE_OK(signer);
  return std::move(*signer);
}

std::vector<Signer> Pki::LoadAll(const std::vector<std::string>& names) const {
  std::vector<Signer> signers;
  for (const std::string& name : names) signers.push_back(Load(name));
  return signers;
}

Bytes Pki::Read(const std::string& name) const {
  auto bytes = io::ReadWholeFile(*this / name, 1 << 24);
  REQUIRE_OK(bytes);
  return std::move(*bytes);
}

void Pki::Write(const std::string& name, ByteSpan bytes) const {
  REQUIRE_OK(io::WriteFileAtomically(*this / name, bytes));
}

Bytes Pki::OpenSslSign(const std::string& content, const std::string& name,
                       const std::vector<std::string>& options) const {
  Write("content", AsBytes(content));
  std::vector<std::string> arguments = {"cms",       "-sign",
                                        "-nodetach", "-binary",
                                        "-outform",  "DER",
                                        "-in",       *this / "content",
                                        "-out",      *this / "message",
                                        "-signer",   *this / (name + ".pem"),
                                        "-inkey",    *this / (name + ".key")};
  arguments.insert(arguments.end(), options.begin(), options.end());
  REQUIRE_OK(OpenSsl(arguments));
  return Read("message");
}

Status Pki::OpenSslVerify(ByteSpan der, const std::string& authority, const std::string& content) const {
  Write("message", der);
  VENEER_TRY(OpenSsl({"cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-CAfile",
                      *this / (authority + ".pem"), "-in", *this / "message", "-out", *this / "verified"}));
  if (AsText(Read("verified")) != content) return Fail(ErrorCode::kFailed, "openssl puts out other content");
  return {};
}

}  // namespace veneer::crypto::test
