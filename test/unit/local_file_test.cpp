#include "worker/local_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "worker/sha256.h"

namespace pg_ocr {
namespace {

std::string hex(const std::string& bytes) {
    std::string text;
    for (char byte : bytes) {
        char pair[3];
        std::snprintf(pair, sizeof(pair), "%02x", static_cast<unsigned>(static_cast<uint8_t>(byte)));
        text += pair;
    }
    return text;
}

std::string sha256_of(const std::string& bytes, size_t piece) {
    Sha256 sha256;
    for (size_t at = 0; at < bytes.size(); at += piece)
        sha256.update(bytes.data() + at, std::min(piece, bytes.size() - at));
    return hex(sha256.digest());
}

TEST(Sha256, GivesThePublishedDigests) {
    EXPECT_EQ(sha256_of("", 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256_of("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(sha256_of(std::string(1000000, 'a'), 999983),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnThePieces) {
    for (size_t size : {55, 56, 57, 63, 64, 65, 119, 120, 128, 1000}) {
        const std::string bytes(size, 'x');
        for (size_t piece : {1, 7, 63, 64, 65}) EXPECT_EQ(sha256_of(bytes, piece), sha256_of(bytes, size));
    }
}

class LocalFile : public testing::Test {
  protected:
    LocalFile() {
        std::string name = testing::TempDir() + "pg_ocr_storeXXXXXX";
        root_ = ::mkdtemp(name.data());
        std::filesystem::create_directories(root_ / "store" / "below");
        write("store/scan", "a scan");
        write("store/below/scan", "another");
        write("secret", "not of the store");
    }
    ~LocalFile() override { std::filesystem::remove_all(root_); }

    void write(const std::string& name, const std::string& content) {
        std::ofstream(root_ / name, std::ios::binary | std::ios::app) << content;
    }

    Fetched fetch(const std::string& name, uint64_t max_size = 1 << 20) {
        return fetch_file({{"type", "file"}, {"directory", root_ / "store"}}, name, max_size, [] { return true; });
    }

    ErrorCode refusal(const std::string& name) {
        Fetched fetched = fetch(name);
        EXPECT_FALSE(fetched.document);
        return fetched.failure.code;
    }

    std::filesystem::path root_;
};

std::string content_of(const UniqueFd& file) {
    std::string content(100, '\0');
    const ssize_t n = ::pread(file.get(), content.data(), content.size(), 0);
    return content.substr(0, static_cast<size_t>(std::max<ssize_t>(n, 0)));
}

TEST_F(LocalFile, IsFetchedWithItsVersion) {
    Fetched fetched = fetch("below/scan");
    ASSERT_EQ(fetched.failure.code, ErrorCode::none) << fetched.failure.message;
    EXPECT_EQ(content_of(fetched.document), "another");
    EXPECT_EQ(fetched.size, 7u);
    EXPECT_EQ(hex(fetched.sha256), sha256_of("another", 7));
    EXPECT_EQ(::ftruncate(fetched.document.get(), 0), -1);
    EXPECT_EQ(fetch("below/scan").etag, fetched.etag);
    write("store/below/scan", "!");
    EXPECT_NE(fetch("below/scan").etag, fetched.etag);
}

TEST_F(LocalFile, IsNotLookedForElsewhere) {
    std::filesystem::create_symlink(root_ / "secret", root_ / "store" / "link");
    std::filesystem::create_symlink("scan", root_ / "store" / "link_inside");
    std::filesystem::create_symlink(root_, root_ / "store" / "way_out");
    EXPECT_EQ(refusal("link"), ErrorCode::store_refused);
    EXPECT_EQ(refusal("link_inside"), ErrorCode::store_refused);
    EXPECT_EQ(refusal("way_out/secret"), ErrorCode::store_refused);
    EXPECT_EQ(refusal("../secret"), ErrorCode::store_refused);
    EXPECT_EQ(refusal("below/../../secret"), ErrorCode::store_refused);
    EXPECT_EQ(refusal(root_ / "secret"), ErrorCode::store_refused);
    EXPECT_EQ(refusal("nothing"), ErrorCode::document_missing);
    EXPECT_EQ(refusal("scan/nothing"), ErrorCode::document_missing);
    EXPECT_EQ(refusal(std::string(300, 'x')), ErrorCode::document_missing);
}

TEST_F(LocalFile, IsRegular) {
    ASSERT_EQ(::mkfifo((root_ / "store" / "pipe").c_str(), 0600), 0);
    EXPECT_EQ(refusal("pipe"), ErrorCode::store_refused);
    EXPECT_EQ(refusal("below"), ErrorCode::store_refused);
    Fetched device = fetch_file({{"type", "file"}, {"directory", "/dev"}}, "zero", 1 << 20, [] { return true; });
    EXPECT_EQ(device.failure.code, ErrorCode::store_refused);
}

TEST_F(LocalFile, IsNotTooLarge) {
    EXPECT_EQ(fetch("scan", 6).failure.code, ErrorCode::none);
    EXPECT_EQ(fetch("scan", 5).failure.code, ErrorCode::document_too_large);
}

TEST_F(LocalFile, ThatCannotBeReadNow) {
    std::filesystem::rename(root_ / "store", root_ / "away");
    EXPECT_EQ(refusal("scan"), ErrorCode::store_unavailable);
}

TEST_F(LocalFile, MayNotChangeWhileItIsRead) {
    std::filesystem::resize_file(root_ / "store" / "scan", 100 << 20);
    const Options store{{"type", "file"}, {"directory", root_ / "store"}};
    int looks = 0;
    auto change = [&](const std::function<void()>& how) {
        return fetch_file(store, "scan", 1 << 30, [&] {
            ++looks;
            how();
            return true;
        });
    };
    EXPECT_EQ(change([] {}).failure.code, ErrorCode::none);
    EXPECT_GT(looks, 0);
    EXPECT_EQ(change([&] { write("store/scan", "more"); }).failure.code, ErrorCode::store_unavailable);
    EXPECT_EQ(change([&] { std::filesystem::resize_file(root_ / "store" / "scan", 70 << 20); }).failure.code,
              ErrorCode::store_unavailable);
    Fetched unwanted = fetch_file(store, "scan", 1 << 30, [] { return false; });
    EXPECT_FALSE(unwanted.document);
    EXPECT_EQ(unwanted.failure.code, ErrorCode::none);
}

}  // namespace
}  // namespace pg_ocr
