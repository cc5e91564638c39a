#include "protocol/frame.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <system_error>
#include <thread>

namespace pg_ocr {
namespace {

class Frames : public testing::Test {
  protected:
    Frames() {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) throw std::system_error(errno, std::generic_category());
        here_ = UniqueFd(ends[0]);
        there_ = UniqueFd(ends[1]);
        ::fcntl(there_.get(), F_SETFL, O_NONBLOCK);
    }
    void write_raw(const std::string& bytes) const {
        ASSERT_EQ(::write(here_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    }
    UniqueFd here_, there_;
};

std::string header(uint8_t version, uint8_t type, uint32_t length) {
    std::string bytes{static_cast<char>(version), static_cast<char>(type), '\0', '\0'};
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(length >> shift);
    return bytes;
}

ino_t inode_of(int fd) {
    struct stat about {};
    ::fstat(fd, &about);
    return about.st_ino;
}

TEST_F(Frames, ArriveInOrderAndWhole) {
    Channel from(here_.get()), to(there_.get());
    from.send(3, "first");
    from.send(4, "");
    auto first = to.receive(), second = to.receive();
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->type, 3);
    EXPECT_EQ(first->body, "first");
    EXPECT_EQ(second->type, 4);
    EXPECT_EQ(second->body, "");
    EXPECT_FALSE(to.receive());
    EXPECT_FALSE(to.closed());
}

TEST_F(Frames, WaitForTheirLastByte) {
    std::string bytes = header(protocol_version, 7, 3) + "abc";
    Channel to(there_.get());
    for (size_t i = 0; i + 1 < bytes.size(); ++i) {
        write_raw(bytes.substr(i, 1));
        EXPECT_FALSE(to.receive()) << "after byte " << i;
    }
    write_raw(bytes.substr(bytes.size() - 1));
    auto frame = to.receive();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->body, "abc");
}

TEST_F(Frames, LargerThanTheSocketsBufferArrive) {
    std::string body(8 << 20, 'x');
    body.back() = 'y';
    ::fcntl(there_.get(), F_SETFL, 0);
    std::thread sender([&] { Channel(here_.get()).send(1, body); });
    auto frame = Channel(there_.get()).receive();
    sender.join();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->body, body);
}

TEST_F(Frames, CarryADescriptor) {
    UniqueFd file(::open("/dev/null", O_RDONLY));
    Channel(here_.get()).send(2, "with it", file.get());
    auto frame = Channel(there_.get()).receive();
    ASSERT_TRUE(frame);
    ASSERT_TRUE(frame->fd);
    EXPECT_NE(frame->fd.get(), file.get());
    EXPECT_EQ(inode_of(frame->fd.get()), inode_of(file.get()));
    EXPECT_NE(::fcntl(frame->fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(Frames, WithoutADescriptorHaveNone) {
    Channel(here_.get()).send(2, "alone");
    auto frame = Channel(there_.get()).receive();
    ASSERT_TRUE(frame);
    EXPECT_FALSE(frame->fd);
}

TEST_F(Frames, KeepTheirDescriptorWhenReadTogether) {
    UniqueFd file(::open("/dev/null", O_RDONLY));
    Channel from(here_.get()), to(there_.get());
    from.send(2, "alone");
    from.send(2, "with it", file.get());
    auto first = to.receive(), second = to.receive();
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(first->fd);
    EXPECT_TRUE(second->fd);
}

/// The next frame's descriptor may come with the end of one that is too long for one look at the socket.
TEST_F(Frames, KeepTheirDescriptorsWhenLongOnesFollowEachOther) {
    UniqueFd file(::open("/dev/null", O_RDONLY));
    ::fcntl(there_.get(), F_SETFL, 0);
    const std::string body(200000, 'x');
    std::thread sender([&] {
        for (int i = 0; i < 100; ++i) Channel(here_.get()).send(2, body, file.get());
    });
    Channel to(there_.get());
    int came = 0;
    try {
        for (; came < 100; ++came) {
            auto frame = to.receive();
            if (!frame || !frame->fd) break;
        }
    } catch (const ProtocolError& error) {
        ADD_FAILURE() << error.what();
        there_.reset();
    }
    sender.join();
    EXPECT_EQ(came, 100);
}

TEST_F(Frames, ThatLostTheirDescriptorAreRefused) {
    std::string bytes = header(protocol_version, 2, 0);
    bytes[2] = 1;
    write_raw(bytes);
    EXPECT_THROW(Channel(there_.get()).receive(), ProtocolError);
}

TEST_F(Frames, WithTwoDescriptorsAreRefusedAndLeakNone) {
    UniqueFd file(::open("/dev/null", O_RDONLY));
    Channel(here_.get()).send(2, "one", file.get());
    int lowest_free = ::dup(file.get());
    ::close(lowest_free);
    {
        std::string bytes = header(protocol_version, 2, 0);
        int two[2] = {file.get(), file.get()};
        iovec io{bytes.data(), bytes.size()};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(two))] = {};
        msghdr message{};
        message.msg_iov = &io;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof(control);
        cmsghdr* part = CMSG_FIRSTHDR(&message);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof(two));
        std::memcpy(CMSG_DATA(part), two, sizeof(two));
        ASSERT_GT(::sendmsg(here_.get(), &message, 0), 0);
        Channel to(there_.get());
        EXPECT_THROW(
            {
                while (to.receive()) {
                }
            },
            ProtocolError);
    }
    int still_free = ::dup(file.get());
    EXPECT_EQ(still_free, lowest_free);
    ::close(still_free);
}

TEST_F(Frames, OfAnotherVersionAreRefused) {
    write_raw(header(protocol_version + 1, 1, 0));
    EXPECT_THROW(Channel(there_.get()).receive(), ProtocolError);
}

TEST_F(Frames, WithADamagedHeaderAreRefused) {
    std::string bytes = header(protocol_version, 1, 0);
    bytes[3] = 1;
    write_raw(bytes);
    EXPECT_THROW(Channel(there_.get()).receive(), ProtocolError);
}

TEST_F(Frames, AnnouncedTooLongAreRefusedBeforeTheirBodyComes) {
    write_raw(header(protocol_version, 1, max_frame_body + 1));
    EXPECT_THROW(Channel(there_.get()).receive(), ProtocolError);
}

TEST_F(Frames, TooLongAreNotSent) {
    EXPECT_THROW(Channel(here_.get()).send(1, std::string(max_frame_body + size_t{1}, 'x')), ProtocolError);
    EXPECT_FALSE(Channel(there_.get()).receive());
}

TEST_F(Frames, EndWithTheStream) {
    write_raw(header(protocol_version, 1, 9) + "half");
    here_.reset();
    Channel to(there_.get());
    EXPECT_FALSE(to.receive());
    EXPECT_TRUE(to.closed());
}

TEST_F(Frames, ToSomeoneWhoIsGoneFailWithoutASignal) {
    there_.reset();
    EXPECT_THROW(Channel(here_.get()).send(1, "anyone?"), std::system_error);
}

TEST_F(Frames, ToSomeoneWhoDoesNotReadTimeOut) {
    ::fcntl(here_.get(), F_SETFL, O_NONBLOCK);
    try {
        Channel(here_.get()).send(1, std::string(8 << 20, 'x'), -1, 1);
        FAIL() << "8 MB went into a socket that nobody reads";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code().value(), ETIMEDOUT);
    }
}

}  // namespace
}  // namespace pg_ocr
