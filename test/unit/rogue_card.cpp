// A service of a card that says whatever its test wants: the steps stand in --tessdata, parted by spaces.
//   listen (waits for the socket), ready, ready:VERSION, ready:VERSION:NAME, report:ENGINES:LINES, fd (a report with a
//   descriptor), welcome, garbage, accept (waits for one that connects), say:WORDS (to stderr, + for a space), wait
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "protocol/card_message.h"

using namespace pg_ocr;

namespace {

UniqueFd listening;

void say(Channel& parent, CardMessageType type, const std::string& body, int fd = -1) {
    parent.send(static_cast<uint8_t>(type), body, fd);
}

void act(Channel& parent, int socket, const std::vector<std::string>& step) {
    const std::string& name = step[0];
    const auto word = [&](size_t i, const char* otherwise) { return i < step.size() ? step[i] : otherwise; };
    if (name == "listen") {
        std::optional<Frame> frame = parent.receive();
        if (!frame || frame->type != static_cast<uint8_t>(CardMessageType::listen) || !frame->fd) std::exit(9);
        listening = std::move(frame->fd);
    }
    if (name == "ready")
        say(parent, CardMessageType::ready, encode(CardReady{word(1, PG_OCR_VERSION), word(2, "rogue"), 1u << 20}));
    if (name == "report") {
        CardReport report;
        report.engines = static_cast<uint32_t>(std::stoul(step.at(1)));
        report.lines = std::stoul(step.at(2));
        say(parent, CardMessageType::report, encode(report));
    }
    if (name == "fd") say(parent, CardMessageType::report, encode(CardReport{}), STDIN_FILENO);
    if (name == "welcome") say(parent, CardMessageType::welcome, encode(CardWelcome{}));
    if (name == "garbage") std::exit(::write(socket, "garbage, not a frame", 20) == 20 ? 0 : 1);
    if (name == "accept") {
        pollfd waited{listening.get(), POLLIN, 0};
        ::poll(&waited, 1, -1);
        const UniqueFd engine(::accept(listening.get(), nullptr, nullptr));
        if (!engine || ::write(engine.get(), "hello", 5) != 5) std::exit(8);
    }
    if (name == "say") {
        std::string line = step.at(1) + '\n';
        std::replace(line.begin(), line.end(), '+', ' ');
        std::fputs(line.c_str(), stderr);
    }
    if (name == "wait") ::poll(nullptr, 0, -1);
}

}  // namespace

int main(int count, char** words) {
    int socket = -1;
    std::string script;
    for (int i = 1; i + 1 < count; i += 2) {
        if (std::string(words[i]) == "--socket") socket = std::stoi(words[i + 1]);
        if (std::string(words[i]) == "--tessdata") script = words[i + 1];
    }
    Channel parent(socket);
    std::istringstream steps(script);
    for (std::string step; steps >> step;) {
        std::vector<std::string> parts;
        std::istringstream from(step);
        for (std::string part; std::getline(from, part, ':');) parts.push_back(part);
        act(parent, socket, parts);
    }
    return 3;
}
