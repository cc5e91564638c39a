#include "protocol/sealed_document.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace pg_ocr {
namespace {

TEST(SealedDocument, HoldsItsChunksInOrder) {
    SealedDocument document;
    document.append("one ", 4);
    document.append("", 0);
    document.append("two", 3);
    EXPECT_EQ(document.size(), 7u);
    UniqueFd file = document.seal();
    std::string content(8, '\0');
    ASSERT_EQ(::pread(file.get(), content.data(), content.size(), 0), 7);
    EXPECT_EQ(content.substr(0, 7), "one two");
}

TEST(SealedDocument, MayBeEmpty) {
    UniqueFd file = SealedDocument().seal();
    EXPECT_EQ(::lseek(file.get(), 0, SEEK_END), 0);
}

TEST(SealedDocument, CannotBeChangedAnyMore) {
    SealedDocument document;
    document.append("words", 5);
    UniqueFd file = document.seal();
    EXPECT_EQ(::pwrite(file.get(), "x", 1, 0), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::ftruncate(file.get(), 0), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::ftruncate(file.get(), 100), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::mmap(nullptr, 5, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0), MAP_FAILED);
    EXPECT_EQ(::fcntl(file.get(), F_ADD_SEALS, 0), -1) << "the seals are sealed as well";
    EXPECT_NE(::fcntl(file.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(SealedDocument, SaysSoWhenThereIsNoRoom) {
    SealedDocument document;
    EXPECT_THROW(document.append(nullptr, 10), std::system_error);
}

}  // namespace
}  // namespace pg_ocr
