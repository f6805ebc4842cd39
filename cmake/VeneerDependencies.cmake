# Third-party libraries, each as one imported target. Debian 12 names; Debian 13 answers to the same.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tl-expected REQUIRED)
find_package(CLI11 REQUIRED)
find_package(RocksDB REQUIRED)
pkg_check_modules(FUSE3 REQUIRED IMPORTED_TARGET fuse3>=3.14)
pkg_check_modules(MOUNT REQUIRED IMPORTED_TARGET mount>=2.38)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp>=2.5)
# Optional: marks against rollback held against a TPM.
pkg_check_modules(TSS2 IMPORTED_TARGET tss2-esys tss2-tctildr tss2-rc)
